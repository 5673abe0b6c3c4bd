"""Turns M vectors into V bundles, or back."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.training.turning import turn, turn_back


class Turn:
    """Twin of the buffer of two halves. `update` ends a clock.

    Attributes:
        o: the vector on offer, int64 [V] of unsigned bits, None while there is none.
    """

    def __init__(self, hw: Hardware, *, bits: int = 8, back: bool = False) -> None:
        self._group, self._turn = hw.array.group, turn_back if back else turn
        self.reset()

    def reset(self) -> None:
        """Both halves are empty."""
        self._filling: list[Int64Array] = []
        self._halves: list[list[Int64Array]] = []

    @property
    def i_ready(self) -> bool:
        """A half is not full."""
        return len(self._halves) < 2

    @property
    def o(self) -> Int64Array | None:
        """From the half that was full first."""
        return self._halves[0][0] if self._halves else None

    def update(self, i: Int64Array | None, o_ready: bool) -> None:
        """End of a clock with a vector on the stream, int64 [V], if not None."""
        taken = i if self.i_ready else None
        if self._halves and o_ready:
            del self._halves[0][0]
            if not self._halves[0]:
                del self._halves[0]
        if taken is not None:
            self._filling.append(taken)
            if len(self._filling) == self._group:
                self._halves.append(list(self._turn(np.array(self._filling), self._group)))
                self._filling = []
