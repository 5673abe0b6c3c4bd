"""The R × C array of PEs, all of them at once.

What travels to the right through a row is an input of that row, c clocks old at column c: bundles, slots and
writes are kept as histories of inputs, and a PE's register is an element of a history's window.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from skipbeat_arch.arrays import BoolArray, Bundles, Int32Array, Int64Array
from skipbeat_arch.hardware import Hardware

from .history import History


class SystolicArray:
    """Twin of the array: `bundles_i`, `slots_i`, `weights_i` arrive skewed; latency of a PE is 3 clocks."""

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        rows, cols, group = hw.array.rows, hw.array.cols, hw.array.group
        self._rows, self._cols, self._pes = rows, cols, rows * cols
        self._bundles = History(cols, (rows, group), np.int32)
        self._slots = History(cols, (rows,), np.int64)  # times the number of PEs: the base in the weight memories
        self._enables = History(cols, (rows,), np.bool_)
        self._addresses = History(cols, (), np.int64)
        self._writing = 0
        self._pe = np.arange(rows * cols).reshape(rows, cols)
        self._group = np.arange(cols) * rows * group + (np.arange(rows) * group)[:, None]
        self._value = np.zeros(2 * group * self._pes, np.int32)
        # where the activation that an entry picks lies in the window of bundles
        self._pick = np.tile(self._group.ravel(), 2 * group)
        self._bundle_size = rows * group
        self._entry = np.zeros((rows, cols), np.int64)
        self._picked = np.zeros((rows, cols), np.int64)
        self._activation, self._weight, self._product = (np.zeros((rows, cols), np.int32) for _ in range(3))
        # row r + 1 is psum_o of row r; row 0 is the zero that enters at the top
        self._psum, self._psum_next = (np.zeros((rows + 1, cols), np.int32) for _ in range(2))

    @property
    def psums_o(self) -> Int32Array:
        """Of the clock that begins, int32 [C]; a view that the next `step` overwrites."""
        bottom: Int32Array = self._psum[-1]
        return bottom

    def step(self, bundles: npt.ArrayLike, slots: npt.ArrayLike) -> None:
        """The PEs' data path for one clock; `write` follows.

        Args:
            bundles: int32 [R, M]; slots: int [R].
        """
        self._bundles.push(bundles)
        self._slots.push(slots)
        np.add(self._psum[:-1], self._product, out=self._psum_next[1:])
        self._psum, self._psum_next = self._psum_next, self._psum
        np.multiply(self._activation, self._weight, out=self._product)
        at = self._slots.at
        np.multiply(self._slots.rows[at : at + self._cols].T, self._pes, out=self._entry)
        np.add(self._entry, self._pe, out=self._entry)
        self._value.take(self._entry, out=self._weight, mode="clip")
        self._pick.take(self._entry, out=self._picked, mode="clip")
        start = self._bundles.at * self._bundle_size
        self._bundles.rows.reshape(-1)[start:].take(self._picked, out=self._activation, mode="clip")

    def write(self, rows: Sequence[int], address: int, values: npt.ArrayLike, index: npt.ArrayLike) -> None:
        """The write ports for one clock, after `step`: a read in the same clock sees the old entry.

        Args:
            rows: the rows whose `write_enable_i` is set; address: `write_address_i`.
            values, index: `weights_i`, int [C], values signed.
        """
        self._enables.push(False)
        self._addresses.push(address)
        if rows:
            self._enables.rows[self._enables.at, list(rows)] = True
            self._writing = self._cols
        if self._writing:
            self._writing -= 1
            at = self._enables.at
            col, row = np.nonzero(self._enables.rows[at : at + self._cols])
            entry = self._addresses.rows[self._addresses.at + col] * self._pes + self._pe[row, col]
            self._value[entry] = np.asarray(values)[col]
            self._pick[entry] = self._group[row, col] + np.asarray(index)[col]

    @property
    def writing(self) -> bool:
        """Writes are still on their way to the right."""
        return self._writing > 0

    def update(
        self,
        bundles_i: Bundles,
        slots_i: Int64Array,
        write_enable_i: BoolArray,
        write_address_i: int,
        weights_i: Int64Array,
    ) -> None:
        """End of a clock; `weights_i` [C] are words of {value, index}."""
        sign = 1 << (self._hw.numbers.weight_bits - 1)
        self.step(bundles_i, slots_i)
        values, index = (weights_i & (2 * sign - 1) ^ sign) - sign, weights_i >> self._hw.numbers.weight_bits
        self.write(np.flatnonzero(write_enable_i).tolist(), write_address_i, values, index)

    def reset(self) -> None:
        """Writes on their way are dropped; nothing else has a reset."""
        self._enables.clear()
        self._writing = 0
