"""How the output of a layer leaves: sums become bytes rounded half up, and their size is noted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.graph import Pool
from skipbeat_arch.training.noted import SPARE_SHIFT, round_noted
from skipbeat_arch.training.ranks import LARGEST
from skipbeat_arch.training.rounding import magnitude_bits, next_shift

from ..max_windows import largest
from .stored_bytes import StoredBytes


@dataclass(frozen=True, kw_only=True, eq=False)
class ActivationStore:
    """What a store of Y is told.

    Attributes:
        apart: by how many powers of two each channel's unit is above the finest one, int64 [K].
        low: of the clamp: 0 or -127.
        shift: from the finest unit to that of the bytes. None: what these sums need, as there is no step before; a
            machine runs twice for it.
        noted: a STORE notes the bytes, of which one is at least 1 where a sum behind a clamp at 0 is above it. Else
            the host rounds, and has the sums to tell the clamp's derivative.
        pool: windows whose largest sums alone are stored, with their places; None: all sums are.
    """

    apart: Int64Array
    low: int
    shift: int | None = None
    noted: bool = True
    pool: Pool | None = None

    def within(self, bits: int) -> ActivationStore:
        """The same with a shift: if it has none, that which sums of so many bits need, and their units."""
        if self.shift is not None:
            return self
        return replace(self, shift=max(next_shift(bits), int(self.apart.max())))

    @property
    def stored_shift(self) -> int:
        """What the parameters of its STOREs have; the least one if there is no shift yet."""
        return (self.shift or 0) + SPARE_SHIFT

    @property
    def multiplier(self) -> Int64Array:
        """What these have for each channel, int64 [K]."""
        return np.int64(1) << (self.apart + SPARE_SHIFT)


def stored_activations(sums: Int64Array, store: ActivationStore) -> StoredBytes:
    """Sums [N, K, H, W] as they are stored; their bits are those in the finest unit."""
    places = None
    if store.pool is not None:
        sums, places = largest(sums, store.pool)
    scaled = sums << store.apart[:, None, None]
    bits = magnitude_bits(scaled)
    store = store.within(bits)
    doubled = scaled << SPARE_SHIFT
    rounded, clipped = round_noted(doubled, store.stored_shift, store.low, LARGEST, least=store.noted)
    passed = rounded != 0 if store.noted else sums > 0
    clips = int(np.count_nonzero(clipped))
    return StoredBytes(rounded, store.stored_shift - SPARE_SHIFT, bits, clips, passed, places)
