"""The last inputs of a shift register, newest first, as a view: shifting costs nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Rows between two copies of the window back to the end of the buffer.
SPARE = 1024


class History:
    """A shift register of `length` rows, all zero at first.

    Rows are written at falling positions of a long buffer, so the window that begins at the newest row is the
    register's content; it is copied only when the start of the buffer is reached.
    """

    def __init__(self, length: int, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._length = length
        self.rows = np.zeros((SPARE + length, *shape), dtype)
        self.at = SPARE

    def push(self, row: npt.ArrayLike) -> None:
        """Shift in a row; a scalar fills the row."""
        self.skip()
        self.rows[self.at] = row

    def skip(self) -> None:
        """Shift in a row that nobody will look at."""
        if self.at == 0:
            self.rows[SPARE:] = self.rows[: self._length]
            self.at = SPARE
        self.at -= 1

    def clear(self) -> None:
        """Make every row zero."""
        self.rows.fill(0)
