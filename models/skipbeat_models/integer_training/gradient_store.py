"""How the gradient of a layer's input leaves: sums become bytes by stochastic rounding, and their size is noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int8Array, Int64Array, UInt32Array
from skipbeat_arch.training.rounding import magnitude_bits, next_shift, round_stochastically


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientStore:
    """What a store of dX is told.

    Attributes:
        seed: 31 bits, of its draws.
        open: where sums count, bool in their shape; they are 0 elsewhere, the derivative of a clamp. None: everywhere.
        shift: 0 to 32. None: what these sums need, as there is no step before; a machine runs twice for it.
    """

    seed: int
    open: BoolArray | None = None
    shift: int | None = None

    def within(self, bits: int) -> GradientStore:
        """The same with a shift: if it has none, that which sums of so many bits need."""
        return self if self.shift is not None else replace(self, shift=next_shift(bits))

    @property
    def known_shift(self) -> int:
        """The shift; 0 if there is none yet."""
        return self.shift or 0


@dataclass(frozen=True, eq=False)
class StoredGradient:
    """Bytes [N, C, H, W].

    Attributes:
        shift: by which they were rounded. bits: of the largest magnitude of their sums. clips: how many were clipped.
    """

    mantissas: Int8Array
    shift: int
    bits: int
    clips: int


def stored(sums: Int64Array, store: GradientStore, draws: Callable[[GradientStore], UInt32Array]) -> StoredGradient:
    """Sums [N, C, H, W] as they are stored; `draws` gives, for a store with a shift, uint32 in their shape."""
    counted = sums if store.open is None else np.where(store.open, sums, 0)
    bits = magnitude_bits(counted)
    store = store.within(bits)
    shift = store.known_shift
    rounded, clipped = round_stochastically(counted, shift, draws(store))
    return StoredGradient(rounded, shift, bits, int(np.count_nonzero(clipped)))
