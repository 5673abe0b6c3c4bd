"""FIFO(n): a first-word-fall-through queue; what is written in clock n can be read in n + 1."""

from __future__ import annotations

from collections import deque
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
