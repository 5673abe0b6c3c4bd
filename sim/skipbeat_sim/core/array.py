"""The R × C array of PEs, all of them at once.

What travels to the right through a row is an input of that row, c clocks old at column c: bundles, slots and
writes are kept as histories of inputs, and a PE's register is an element of a history's window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skipbeat_arch import ports
from skipbeat_arch.arrays import Int32Array
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
    def psums(self) -> Int32Array:
        """`psums_o` of the clock that begins, int32 [C]; a view that the next `step` overwrites."""
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

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports: `psums_o` [C]."""
        return {"psums_o": ports.pack_array(self.psums.tolist(), self._hw.psum_bits)}

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock. `bundles_i` [R][M], `slots_i` [R] {slot, bank}, `write_enable_i` [R], `weights_i` [C]."""
        hw, numbers = self._hw, self._hw.numbers
        bundles = ports.unpack_array(inputs["bundles_i"], self._bundle_size, numbers.activation_bits, signed=True)
        slots = ports.unpack_array(inputs["slots_i"], self._rows, ports.slot_bits(hw))
        weights = ports.unpack_array(inputs["weights_i"], self._cols, ports.word_bits(ports.pe_weight_fields(hw)))
        values = [ports.unpack_array(word, 1, numbers.weight_bits, signed=True)[0] for word in weights]
        index = [word >> numbers.weight_bits for word in weights]
        rows = [row for row in range(self._rows) if inputs["write_enable_i"] >> row & 1]
        self.step(np.reshape(bundles, (self._rows, -1)), slots)
        self.write(rows, inputs["write_address_i"], values, index)
        if inputs.get("rst", 0):
            self.reset()

    def reset(self) -> None:
        """Writes on their way are dropped; nothing else has a reset."""
        self._enables.clear()
        self._writing = 0
