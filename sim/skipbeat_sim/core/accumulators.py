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

    Once this clock's control is shifted in, row c of the history is `control_in[c]`, row c + 1 `control_a[c]` and
    row c + 2 `control_b[c]`. Sums are kept as unsigned bits, modulo 2**acc bits. `pixel` must be below D.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        cols = hw.array.cols
        self._cols = cols
        self._mask = (1 << hw.numbers.accumulator_bits) - 1
        self._memory = np.zeros(hw.accumulators.depth * cols, np.int64)
        self._col = np.arange(cols)
        self._data, self._sum, self._total, self._address = (np.zeros(cols, np.int64) for _ in range(4))
        self._flags = History(cols + 2, (5,), np.bool_)
        self._entries = History(cols + 2, (), np.int64)  # pixel * C
        # clocks for which a control that is valid, or that stores, is still somewhere in the columns
        self._busy = self._reading = self._storing = 0

    @property
    def sums_o(self) -> Int64Array:
        """Of the clock that begins, int64 [C] unsigned bits; overwritten by the next `update`."""
        return self._sum

    @property
    def push_o(self) -> BoolArray | None:
        """Of the clock that begins, bool [C]; None: certainly nowhere."""
        return self._column(_PUSHES, 1) if self._busy else None

    @property
    def busy(self) -> bool:
        """A step is on its way through the columns."""
        return self._busy > 0

    def update(self, control_i: Control | None, psums_i: Int32Array) -> None:
        """End of a clock with psums int32 [C]."""
        control = control_i
        if control:
            control = control._replace(open=control.open or self._hw.is_dense)
            self._busy = self._cols + 2
            if control.open and not control.first:
                self._reading = self._cols
            if control.close and not control.last:
                self._storing = self._cols + 2
            self._flags.push(_FLAGS[control[:4]])
            self._entries.push(control.pixel * self._cols)
        elif self._busy:
            self._busy -= 1
            self._flags.push(False)
            self._entries.push(0)
        else:
            return
        self._add(psums_i)
        if self._reading:
            self._reading -= 1
            at = self._entries.at
            np.add(self._entries.rows[at : at + self._cols], self._col, out=self._address)
            np.copyto(self._data, self._memory.take(self._address), where=self._column(_READS, 0))
        if self._storing:
            self._storing -= 1
            stores = self._column(_STORES, 2)
            at = self._entries.at + 2
            np.add(self._entries.rows[at : at + self._cols], self._col, out=self._address)
            self._memory[self._address[stores]] = self._sum[stores]
        np.copyto(self._sum, self._total, where=self._column(_VALID, 1))

    def _column(self, flag: int, delay: int) -> BoolArray:
        """The flag of `control_in`, `control_a`, `control_b` (delay 0, 1, 2) of every column."""
        at = self._flags.at + delay
        return self._flags.rows[at : at + self._cols, flag]

    def _add(self, psums: Int32Array) -> None:
        total = self._total
        np.copyto(total, psums)
        np.add(total, self._data, out=total, where=self._column(_READS, 1))
        np.add(total, self._sum, out=total, where=self._column(_ADDS_SUM, 1))
        np.bitwise_and(total, self._mask, out=total)

    def reset(self) -> None:
        """The controls in the columns become invalid; nothing else has a reset."""
        self._flags.clear()
        self._busy = self._reading = self._storing = 0
