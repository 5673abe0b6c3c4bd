"""Stores of the machine: sums become bytes in a unit that was chosen before the sums were known (delayed scaling)."""

from __future__ import annotations

from collections.abc import Callable

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.training.rounding import MOST_SHIFT, next_shift

from .scaled import Scaled
from .stored_bytes import StoredBytes


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

    def bytes(self, store: Callable[[int | None], StoredBytes], units: Int64Array) -> Scaled:
        """Bytes that a store rounds by the shift that it is given, from the finest unit on.

        Args:
            units: exponents of the sums' units, int64 [channels], or one of all; no shift leaves 0 .. 32.
        """
        finest = int(units.min())
        found = store(None if self._next is None else _within(self._next, units) - finest)
        if not self.frozen or self._next is None:
            self._next = finest + next_shift(found.bits)
        if not self.frozen:
            self.clipped += found.clips
            self.stored += found.mantissas.size
        return Scaled(found.mantissas, finest + found.shift)


def _within(exponent: int, units: Int64Array) -> int:
    return max(min(exponent, int(units.min()) + MOST_SHIFT), int(units.max()))
