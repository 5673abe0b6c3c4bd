"""What a store says of its sums: how large the largest is, and how many were clipped."""

from __future__ import annotations

from collections import deque

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.training.jobs import CLIP_BITS
from skipbeat_arch.training.rounding import magnitude_bits


class Peak:
    """Twin of the statistics. `update` ends a clock.

    Attributes:
        bits_o, clips_o: of what came at least three clocks ago.
    """

    def __init__(self, lanes: int) -> None:
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._coming: deque[tuple[bool, int, int]] = deque([(False, 0, 0)] * 2)
        self.bits_o = self.clips_o = 0

    def update(self, begin_i: bool, valid_i: bool, sums_i: Int64Array, clipped_i: Int64Array) -> None:
        """End of a clock; an item, int64 [lanes] each, if it is valid."""
        begins, bits, clips = self._coming.popleft()
        if begins:
            self.bits_o = self.clips_o = 0
        self.bits_o = max(self.bits_o, bits)
        self.clips_o = (self.clips_o + clips) % (1 << CLIP_BITS)
        found = (magnitude_bits(sums_i), int(np.count_nonzero(clipped_i))) if valid_i else (0, 0)
        self._coming.append((begin_i, *found))
