"""Processes that exchange clocks: each event of the machine is a number in a channel, and processes wait for numbers.

A process is a generator. It yields a channel when it needs an entry that is not known yet, and goes on as soon as
another one has been put there. What it computes does not depend on the order in which the processes run, because each
entry is computed once, from entries that are never changed (a Kahn network).

Processes look at `Channel.clocks` themselves, because most entries are known when they are needed:

    while len(channel.clocks) <= index:
        yield channel
"""

from __future__ import annotations

from collections.abc import Generator

#: A process: it yields the channel in which it waits for another entry.
Process = Generator["Channel", None, None]


class Channel:
    """Clocks of the events of one kind, in their order, as far as they are known."""

    __slots__ = ("_ready", "clocks", "waiting")

    def __init__(self, ready: list[Process]) -> None:
        self._ready = ready
        self.clocks: list[int] = []
        self.waiting: list[Process] = []

    def put(self, clock: int) -> None:
        """The next entry is known."""
        self.clocks.append(clock)
        if self.waiting:
            self._ready += self.waiting
            self.waiting.clear()


class Scheduler:
    """Runs processes until all of them wait."""

    def __init__(self) -> None:
        self._ready: list[Process] = []

    def channel(self) -> Channel:
        """A new channel between its processes."""
        return Channel(self._ready)

    def start(self, process: Process) -> None:
        """A new process."""
        self._ready.append(process)

    def run(self) -> None:
        """Until no process can go on."""
        ready = self._ready
        while ready:
            process = ready.pop()
            channel = next(process, None)
            if channel is not None:
                channel.waiting.append(process)
