"""What a store of the machine leaves of a map, and says of it."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.arrays import BoolArray, Int8Array


@dataclass(frozen=True, eq=False)
class StoredBytes:
    """Bytes [N, C, H, W].

    Attributes:
        shift: by which they were rounded. bits: of the largest magnitude of their sums. clips: how many were clipped.
        passed: where a sum was above 0, as far as who stores it knows, bool: noted bytes tell it themselves.
        places: of windows that were pooled, int8 in the bytes' shape: which sum was the first largest one.
    """

    mantissas: Int8Array
    shift: int
    bits: int
    clips: int
    passed: BoolArray
    places: Int8Array | None = None
