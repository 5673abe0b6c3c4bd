"""A memory that is used round and round."""

from __future__ import annotations


class Ring:
    """Hands out ranges of a memory in turn; none of them wraps."""

    def __init__(self, size: int) -> None:
        self._size, self._next = size, 0

    def take(self, count: int) -> int:
        """The first of `count` entries behind the last ones, or at the start if they do not fit there.

        Raises:
            ValueError: more than there are.
        """
        if not 0 <= count <= self._size:
            raise ValueError(f"a range of {count!r} in a memory of {self._size!r}")
        start = self._next if self._next + count <= self._size else 0
        self._next = start + count
        return start
