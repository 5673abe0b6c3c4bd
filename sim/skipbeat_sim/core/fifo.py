"""FIFO(n): a first-word-fall-through queue; what is written in clock n can be read in n + 1."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Fifo(Generic[Item]):
    """A queue of at most `depth` items; `ready`, `valid` and `front` are those of the clock that begins."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.items: deque[Item] = deque()

    @property
    def ready(self) -> bool:
        """An item can be written in this clock."""
        return len(self.items) < self.depth

    @property
    def front(self) -> Item | None:
        """The item that can be read in this clock, None if there is none."""
        return self.items[0] if self.items else None

    def update(self, read: bool, item: Item | None) -> None:
        """End of a clock in which the front was taken (`read`) and `item` (if any) was written."""
        if read:
            self.items.popleft()
        if item is not None:
            self.items.append(item)

    def reset(self) -> None:
        """Empty the queue."""
        self.items.clear()


class WordFifo(Fifo[int]):
    """The twin of the RTL's queue: streams `i` and `o`; `o__payload` is given as 0 while `o__valid` is 0."""

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports."""
        return {
            "i__ready": int(self.ready),
            "o__valid": int(bool(self.items)),
            "o__payload": self.items[0] if self.items else 0,
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        written = bool(inputs["i__valid"]) and self.ready
        self.update(bool(self.items) and bool(inputs["o__ready"]), inputs["i__payload"] if written else None)
        if inputs.get("rst", 0):
            self.reset()
