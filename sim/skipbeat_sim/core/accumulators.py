"""C columns of accumulators: the steps of a pixel are added up, then the passes along the reduction axis."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int32Array, Int64Array
from skipbeat_arch.hardware import Hardware

from .history import History


class Control(NamedTuple):
    """What travels with a step; a clock without one has None in its place."""

    open: bool
    close: bool
    first: bool
    last: bool
    pixel: int


#: Columns of the history of flags.
_READS, _ADDS_SUM, _VALID, _STORES, _PUSHES = range(5)


def _flags(begin: bool, close: bool, first: bool, last: bool) -> BoolArray:
    return np.array([begin and not first, not begin, True, close and not last, close and last])


_FLAGS = {bits: _flags(*bits) for bits in product((False, True), repeat=4)}


class Accumulators:
    """Twin of the accumulators. Column c is c clocks behind column 0: its control is a row of a history.

    Once this clock's control is shifted in, row c of the history is `control_in[c]`, and rows c + 1 to c + 3 are
    `control_r[c]`, `control_a[c]` and `control_b[c]`. Sums are kept as unsigned bits, modulo 2**acc bits. `pixel` must
    be below D.

    Attributes:
        collided: an entry was read and written in the same clock, which the RTL promises never happens in a core.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        cols = hw.array.cols
        self._cols = cols
        self._mask = (1 << hw.numbers.accumulator_bits) - 1
        self._memory = np.zeros(hw.accumulators.depth * cols, np.int64)
        self._col = np.arange(cols)
        self._data, self._entry, self._sum, self._total = (np.zeros(cols, np.int64) for _ in range(4))
        self._flags = History(cols + 3, (5,), np.bool_)
        self._entries = History(cols + 3, (), np.int64)  # pixel * C
        self.collided = False
        # clocks for which a control that is valid, or that stores, is still somewhere in the columns
        self._busy = self._reading = self._storing = 0

    @property
    def sums_o(self) -> Int64Array:
        """Of the clock that begins, int64 [C] unsigned bits; overwritten by the next `update`."""
        return self._sum

    @property
    def push_o(self) -> BoolArray | None:
        """Of the clock that begins, bool [C]; None: certainly nowhere."""
        return self._column(_PUSHES, 2) if self._busy else None

    @property
    def busy(self) -> bool:
        """A step is on its way through the columns."""
        return self._busy > 0

    def update(self, control_i: Control | None, psums_i: Int32Array) -> None:
        """End of a clock with psums int32 [C]."""
        control = control_i
        if control:
            control = control._replace(open=control.open or self._hw.is_dense)
            self._busy = self._cols + 3
            if control.open and not control.first:
                self._reading = self._cols + 1
            if control.close and not control.last:
                self._storing = self._cols + 3
            self._flags.push(_FLAGS[control[:4]])
            self._entries.push(control.pixel * self._cols)
            self._check_collision()
        elif self._busy:
            self._busy -= 1
            self._flags.push(False)
            self._entries.push(0)
        else:
            return
        self._add(psums_i)
        if self._reading:
            self._reading -= 1
            np.copyto(self._entry, self._data)
            np.copyto(self._data, self._memory.take(self._addresses(0)), where=self._column(_READS, 0))
        if self._storing:
            self._storing -= 1
            stores = self._column(_STORES, 3)
            self._memory[self._addresses(3)[stores]] = self._sum[stores]
        np.copyto(self._sum, self._total, where=self._column(_VALID, 2))

    def _check_collision(self) -> None:
        """Of column 0: the others do the same later."""
        flags, entries = self._flags, self._entries
        both = flags.rows[flags.at, _READS] and flags.rows[flags.at + 3, _STORES]
        if both and entries.rows[entries.at] == entries.rows[entries.at + 3]:
            self.collided = True

    def _addresses(self, delay: int) -> Int64Array:
        """Where every column reads (delay 0) or stores (3)."""
        at = self._entries.at + delay
        addresses: Int64Array = self._entries.rows[at : at + self._cols] + self._col
        return addresses

    def _column(self, flag: int, delay: int) -> BoolArray:
        """The flag of `control_in`, `control_r`, `control_a`, `control_b` (delay 0 to 3) of every column."""
        at = self._flags.at + delay
        return self._flags.rows[at : at + self._cols, flag]

    def _add(self, psums: Int32Array) -> None:
        total = self._total
        np.copyto(total, psums)
        np.add(total, self._entry, out=total, where=self._column(_READS, 2))
        np.add(total, self._sum, out=total, where=self._column(_ADDS_SUM, 2))
        np.bitwise_and(total, self._mask, out=total)

    def reset(self) -> None:
        """The controls in the columns become invalid; nothing else has a reset."""
        self._flags.clear()
        self._busy = self._reading = self._storing = 0
