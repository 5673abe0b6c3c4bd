"""Delay lane i by i clocks; lane 0 passes combinationally."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skipbeat_arch import ports
from skipbeat_arch.arrays import Int32Array

from .history import History


class Skew:
    """Twin of the skew: `i` and `o` are [lanes][width] bits. Values are held as `parts` int32 per lane.

    Natively a lane may carry several numbers (a bundle's activations, a weight and its index). The port
    interface holds a lane of any width as 16-bit parts.
    """

    def __init__(self, lanes: int, width: int, parts: int | None = None) -> None:
        self._lanes, self._width = lanes, width
        self._parts = -(-width // 16) if parts is None else parts
        self._history = History(lanes + 1, (lanes, self._parts), np.int32)
        self._stride = lanes * self._parts

    def push(self, lanes: npt.ArrayLike) -> None:
        """This clock's input, int32 [lanes, parts]; ends the clock before."""
        self._history.push(lanes)

    def skip(self) -> None:
        """A clock whose input nobody will look at."""
        self._history.skip()

    def view(self) -> Int32Array:
        """This clock's output, int32 [lanes, parts]: lane i of the input of i clocks ago.

        Lane i of row i is (lanes + 1) * parts numbers further on than lane i - 1 of row i - 1, hence one reshape;
        the history has a row more than it needs so that the last lane's row of the reshaped array is whole.
        """
        start = self._history.at * self._stride
        step = self._stride + self._parts
        flat = self._history.rows.reshape(-1)[start : start + self._lanes * step]
        return flat.reshape(self._lanes, step)[:, : self._parts]

    def peek(self, lanes: npt.ArrayLike) -> Int32Array:
        """The output, int32 [lanes, parts], of a clock whose input is `lanes`, before it is pushed."""
        out = np.array(lanes, np.int32)
        for lane in range(1, self._lanes):
            out[lane] = self._history.rows[self._history.at + lane - 1, lane]
        return out

    def evaluate(self, i: list[int]) -> None:
        """Wire: `o`, a word for each lane like `i`."""
        self._i = [ports.unpack_array(word, self._parts, 16) for word in i]
        self.o = [ports.pack_array(parts, 16) & ((1 << self._width) - 1) for parts in self.peek(self._i).tolist()]

    def update(self) -> None:
        """End of the clock."""
        self.push(self._i)

    def reset(self) -> None:
        """Nothing has a reset."""
