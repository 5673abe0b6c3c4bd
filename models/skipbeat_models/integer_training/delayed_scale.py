"""Stores of the machine: sums become bytes in a unit that was chosen before the sums were known (delayed scaling)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int64Array
from skipbeat_arch.training.ranks import LARGEST
from skipbeat_arch.training.rounding import MOST_SHIFT, magnitude_bits, next_shift
from skipbeat_arch.training.update_rule import rounded_shift

from .gradient_store import StoredGradient
from .scaled import Scaled, Stored, Sums


class DelayedScale:
    """The unit of a map that is stored in every step: what the largest magnitude of the step before needed.

    A first step has none before it; the host runs it once, for its magnitudes alone. While `frozen`, a store leaves
    the unit as it is.

    Attributes:
        clipped, stored: how many values did not fit, of how many.
    """

    def __init__(self) -> None:
        self.frozen = False
        self.clipped = self.stored = 0
        self._next: int | None = None

    def nearest(self, sums: Sums, low: int) -> Stored:
        """Bytes rounded half up and clamped to `low` .. 127, by a shift for each channel."""
        exponent = self._exponent(sums)
        rounded = rounded_shift(sums.values, (exponent - sums.units)[:, None, None])
        self._count(np.abs(np.maximum(rounded, low)) > LARGEST)
        return Stored(np.clip(rounded, low, LARGEST).astype(np.int8), exponent, sums.values)

    def stochastic(self, store: Callable[[int | None], StoredGradient], unit: int) -> Scaled:
        """Bytes that a store rounds at random by the shift that it is given; `unit`: exponent of its sums' unit."""
        found = store(None if self._next is None else _within(self._next, np.array([unit])) - unit)
        self._next = unit + next_shift(found.bits)
        self.clipped += found.clips
        self.stored += found.mantissas.size
        return Scaled(found.mantissas, unit + found.shift)

    def _exponent(self, sums: Sums) -> int:
        """The exponent of this step, while the next one's is found; no shift leaves 0 .. 32."""
        columns = zip(sums.values.swapaxes(0, 1), sums.units.tolist(), strict=True)
        needed = max(unit + next_shift(magnitude_bits(column)) for column, unit in columns)
        chosen = needed if self._next is None else self._next
        if not self.frozen or self._next is None:
            self._next = needed
        return _within(chosen, sums.units)

    def _count(self, clipped: BoolArray) -> None:
        if not self.frozen:
            self.clipped += int(np.count_nonzero(clipped))
            self.stored += clipped.size


def _within(exponent: int, units: Int64Array) -> int:
    return max(min(exponent, int(units.min()) + MOST_SHIFT), int(units.max()))
