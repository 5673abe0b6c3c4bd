"""Generators of pseudo-random draws, side by side."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.training.lfsr import advance, generators


class Draws:
    """Twin of the shift registers. `update` ends a clock.

    Attributes:
        draws_o: uint32 [count].
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.draws_o = np.zeros(count, np.uint32)

    def reset(self) -> None:
        """The registers have no reset."""

    def update(self, seed_i: int, begin_i: bool, next_i: bool) -> None:
        """End of a clock: the first draws of a seed, or the next ones."""
        if begin_i:
            self.draws_o = generators(seed_i, self._count)
        elif next_i:
            self.draws_o = advance(self.draws_o)
