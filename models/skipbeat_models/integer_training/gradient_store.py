"""How the gradient of a layer's input leaves: sums become bytes by stochastic rounding, and their size is noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int64Array, UInt32Array
from skipbeat_arch.training.rounding import magnitude_bits, next_shift, round_stochastically

from .stored_bytes import StoredBytes


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientStore:
    """What a store of dX is told.

    Attributes:
        seed: 31 bits, of its draws.
        passed: int8 in the sums' shape, which are 0 where it is: the derivative of the clamp that stored these bytes.
            None: all sums count.
        shift: 0 to 32. None: what these sums need, as there is no step before; a machine runs twice for it.
    """

    seed: int
    passed: Int8Array | None = None
    shift: int | None = None

    def within(self, bits: int) -> GradientStore:
        """The same with a shift: if it has none, that which sums of so many bits need."""
        return self if self.shift is not None else replace(self, shift=next_shift(bits))

    @property
    def known_shift(self) -> int:
        """The shift; 0 if there is none yet."""
        return self.shift or 0


def stored(sums: Int64Array, store: GradientStore, draws: Callable[[GradientStore], UInt32Array]) -> StoredBytes:
    """Sums [N, C, H, W] as they are stored; `draws` gives, for a store with a shift, uint32 in their shape."""
    counted = sums if store.passed is None else np.where(store.passed, sums, 0)
    bits = magnitude_bits(counted)
    store = store.within(bits)
    shift = store.known_shift
    rounded, clipped = round_stochastically(counted, shift, draws(store))
    return StoredBytes(rounded, shift, bits, int(np.count_nonzero(clipped)), rounded != 0)
