"""Where vectors go in the activation banks: shared by what loads them and what stores them there."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from skipbeat_arch.instruction import Placement
from skipbeat_arch.machine import Machine

MASK, LINE_MASK = 0xFFFF, 0xFFF


class BankWrite(NamedTuple):
    """A vector on its way into the activation banks; `enable` has a bit for each bank."""

    enable: int
    address: int
    data: int


class Placer:
    """The registers `line`, `entry` and `row_entry`, which follow a place's entries vector by vector."""

    def __init__(self, machine: Machine) -> None:
        self._rows, self._bundles = machine.hw.array.rows, machine.bundles
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._line = self._entry = self._row_entry = 0

    def restart(self) -> None:
        """The next vector is the first of a row."""
        self._line = 0

    def write(self, place: Placement, index: int, data: int) -> BankWrite:
        """The write of the vector with this index."""
        enable = _banks(self._rows, self._bundles, place.bank, place.period)
        return BankWrite(enable, self._entry if index else place.to, data)

    def advance(self, place: Placement, index: int) -> None:
        """End of the clock of the vector with this index."""
        entry, row = (self._entry, self._row_entry) if index else (place.to, place.to)
        if self._line + 1 == place.width:
            self._entry = self._row_entry = (row + place.pitch) & MASK
            self._line = 0
        else:
            self._entry, self._row_entry = (entry + 1) & MASK, row
            self._line = (self._line + 1) & LINE_MASK


@lru_cache
def _banks(rows: int, bundles: int, bank: int, period: int) -> int:
    """The banks that receive a bundle of the vector."""
    return sum(1 << q for q in range(rows) if ((q ^ bank) & ((1 << period) - 1)) // bundles == 0)
