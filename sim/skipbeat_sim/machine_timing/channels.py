"""Processes that exchange clocks: each event of the machine is a number in a channel, and processes wait for numbers.

A process is a generator. It yields a channel when it needs an entry that is not known yet, and goes on as soon as
another one has been put there. What it computes does not depend on the order in which the processes run, because each
entry is computed once, from entries that are never changed (a Kahn network).
"""

from __future__ import annotations

from collections.abc import Generator

#: A process: it yields the channel in which it waits for another entry.
Process = Generator["Channel", None, None]


class Channel:
    """Clocks of the events of one kind, in their order, as far as they are known."""

    __slots__ = ("clocks", "waiting")

    def __init__(self) -> None:
        self.clocks: list[int] = []
        self.waiting: list[Process] = []

    def __len__(self) -> int:
        return len(self.clocks)

    def at(self, index: int) -> Generator[Channel, None, int]:
        """Waits for an entry; returns it. Used as `clock = yield from channel.at(index)`."""
        while len(self.clocks) <= index:
            yield self
        return self.clocks[index]


class Scheduler:
    """Runs processes until all of them wait."""

    def __init__(self) -> None:
        self._ready: list[Process] = []

    def start(self, process: Process) -> None:
        """A new process."""
        self._ready.append(process)

    def put(self, channel: Channel, clock: int) -> None:
        """The next entry of a channel is known."""
        channel.clocks.append(clock)
        if channel.waiting:
            self._ready += channel.waiting
            channel.waiting.clear()

    def run(self) -> None:
        """Until no process can go on."""
        while self._ready:
            process = self._ready.pop()
            channel = next(process, None)
            if channel is not None:
                channel.waiting.append(process)
