"""Items of last passes on their way from the core to the output stage, some at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .state import Part

#: Items that are followed one by one: NumPy is quicker for more.
FEW = 8


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How the output stage takes the items of a STORE.

    Attributes:
        steps: clocks from an item to the next one.
        latency: from an item's last step to the clock in which it can be taken.
        window: items after which `pause` clocks pass before the next one's.
    """

    steps: int
    latency: int
    window: int
    pause: int


class ResultClocks(Part):
    """Items of last passes, in order.

    Attributes:
        closed, taken: int64 [items], their last steps, and when the output stage takes them.
        known_closed, known_taken: how many are known.
    """

    COUNTS = ("known_closed", "known_taken")

    def __init__(self, items: int) -> None:
        self.closed, self.taken = np.zeros(items, np.int64), np.zeros(items, np.int64)
        self.known_closed = self.known_taken = 0

    def repeat(self, later: int, closed: tuple[int, int, int], taken: tuple[int, int, int]) -> None:
        """Copies clocks from the first to the second of three items to the third, `later` by so many clocks."""
        for clocks, (begin, end, to) in ((self.closed, closed), (self.taken, taken)):
            clocks[to : to + end - begin] = clocks[begin:end] + later

    def close_few(self, item: int, size: int, beat: int, step: int, credits: int) -> int:
        """Items of `beat` steps, the first from `step` on, each when the one `credits` before it was taken.

        Returns the first step of the last one.
        """
        closed, taken = self.closed, self.taken
        for number in range(item, item + size):
            if number >= credits:
                step = max(step, taken.item(number - credits) + 1)
            step += beat
            closed[number] = step - 1
        self.known_closed = item + size
        return step - beat

    def close_many(self, item: int, size: int, beat: int, step: int, credits: int) -> int:
        """The same, all at once."""
        steps = step + beat * np.arange(size)
        begin = item - credits
        if begin + size > 0:
            late = self.taken[max(begin, 0) : begin + size] + 1 - steps[max(-begin, 0) :]
            steps[max(-begin, 0) :] += np.maximum(np.maximum.accumulate(late), 0)
        self.closed[item : item + size] = steps + (beat - 1)
        self.known_closed = item + size
        return int(steps[-1])

    def take_few(self, item: int, size: int, pace: Pace, begin: int, step: int) -> int:
        """Items that the output stage takes at a pace, from `step` on; `begin` is the first one of their STORE.

        Returns the clock in which it can take another one.
        """
        closed, taken = self.closed, self.taken
        for number in range(item, item + size):
            if number > begin and (number - begin) % pace.window == 0:
                step += pace.pause
            step = max(step, closed.item(number) + pace.latency)
            taken[number] = step
            step += pace.steps
        self.known_taken = item + size
        return step

    def take_many(self, item: int, size: int, pace: Pace, begin: int, step: int) -> int:
        """The same, all at once."""
        ordinals = np.arange(item - begin, item - begin + size)
        windows = ordinals // pace.window - max(item - begin - 1, 0) // pace.window
        even = step + pace.steps * np.arange(size) + pace.pause * windows
        late = self.closed[item : item + size] + pace.latency - even
        even += np.maximum(np.maximum.accumulate(late), 0)
        self.taken[item : item + size] = even
        self.known_taken = item + size
        return int(even[-1]) + pace.steps
