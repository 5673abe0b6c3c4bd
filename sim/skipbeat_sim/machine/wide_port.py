"""A port that is wider than a beat: which of its bytes each beat takes."""

from __future__ import annotations

from collections import deque

from skipbeat_arch.machine import Machine


class WidePort:
    """Twin of the wide port. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._places, self._size = machine.port_places, machine.beat_bytes
        self.reset()

    def reset(self) -> None:
        """All registers: no burst is under way."""
        self._asked: deque[int] = deque()
        self._reading: int | None = None
        self._offered, self._writing = False, 0

    def evaluate(self, beat_i: bool, wide_i: int, write_i: int) -> None:
        """Wires; `read_o` means something while a beat is read."""
        bits = 8 * self._size
        self._place = self._asked[0] if beat_i and self._reading is None else self._reading or 0
        self.read_o = wide_i >> bits * self._place & (1 << bits) - 1
        self.wide_o = sum(write_i << bits * place for place in range(self._places))
        self.strobes_o = (1 << self._size) - 1 << self._size * self._writing

    def update(
        self, asked_i: bool, read_at_i: int, beat_i: bool, last_i: bool, offered_i: bool, write_at_i: int, moved_i: bool
    ) -> None:
        """End of the clock."""
        if beat_i:
            if self._reading is None:
                self._asked.popleft()
            self._reading = None if last_i else (self._place + 1) % self._places
        if asked_i:
            self._asked.append(read_at_i)
        if offered_i and not self._offered:
            self._writing = write_at_i
        elif moved_i:
            self._writing = (self._writing + 1) % self._places
        self._offered = offered_i
