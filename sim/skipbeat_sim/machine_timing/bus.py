"""The reader, the writer's addresses and the memory: the order of events decides, so they are taken in time order.

The memory serves whole bursts in the order of their addresses. So a burst's beats are known as soon as its address is
the earliest that can still come: nothing that follows from a decision comes before it, and everything else is known
when all processes wait.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from skipbeat_arch.machine import Machine

from .wires import Wires

#: Later than any clock.
FAR = 1 << 60
RETURNS = 8


@dataclass
class Request:
    """A request on its way: vectors from `address` (in vectors), of which `done` have been asked for.

    `clock`: when it can first be accepted. `chunk`: for fetch, the instructions in it; 0 for others. `bursts`: so far.
    """

    clock: int
    address: int
    vectors: int
    chunk: int = 0
    done: int = 0
    bursts: int = 0


class Bus:
    """All that is read and written, in bursts.

    Attributes:
        reads, writes: beats so far.
        busy: (first, last) clock in which the reader is busy with each request, in order.
    """

    def __init__(self, machine: Machine, wires: Wires) -> None:
        self._wires = wires
        memory = machine.hw.memory
        self._beats, self._latency, self._limit = machine.burst_beats, max(memory.latency_clocks, 1), memory.outstanding
        self._per_instruction = max(16 // machine.vector, 1)
        self._fetch: Request | None = None
        self._load: Request | None = None
        self._writes: deque[Request] = deque()
        self._reading: Request | None = None
        self._read_clock = self._last_read = 0
        self._arrivals: deque[int] = deque([-1] * memory.outstanding, maxlen=memory.outstanding)
        self._finals: deque[int] = deque([-1] * RETURNS, maxlen=RETURNS)
        self._free = self._now = 0
        self.reads = self.writes = 0
        self.busy: list[tuple[int, int]] = []

    def ask_fetch(self, request: Request) -> None:
        """The next request of fetch; only after the one before was accepted."""
        self._fetch = self._in_time(request)

    def ask_load(self, request: Request) -> None:
        """The next request of the load engine; only after the one before was accepted."""
        self._load = self._in_time(request)

    def write(self, request: Request) -> None:
        """The next request of the store engine, accepted in its clock."""
        self._writes.append(self._in_time(request))

    def _in_time(self, request: Request) -> Request:
        """No request may become known later than it is made: what was decided since would have come after it."""
        if request.clock < self._now:
            raise RuntimeError(f"timing model: a request of clock {request.clock} is known only in clock {self._now}")
        return request

    def step(self) -> bool:
        """Decide what comes next; False if nothing is left to decide. Only when all processes wait."""
        read = max(self._read_clock, self._arrivals[0] + 1) if self._reading else FAR
        accept = FAR
        if self._reading is None:
            first = min(r.clock for r in (self._fetch, self._load, _NONE) if r)
            accept = max(first, self._last_read, self._finals[0] + 1) if first < FAR else FAR
        write = self._writes[0].clock + 1 + self._writes[0].bursts if self._writes else FAR
        clock = min(read, write, accept)
        if clock == FAR:
            return False
        self._now = clock
        if clock == read:
            self._read_burst(clock)
        elif clock == accept:
            self._accept(clock)
        else:
            self._write_burst(clock)
        return True

    def _accept(self, clock: int) -> None:
        fetch = self._fetch
        if fetch and fetch.clock <= clock:
            self._reading, self._fetch = fetch, None
            self._wires.put(self._wires.asked, clock)
        else:
            self._reading, self._load = self._load, None
            self._wires.put(self._wires.load_accepted, clock)
        self._read_clock = clock + 1
        self.busy.append((clock + 1, FAR))

    def _burst(self, request: Request) -> int:
        return min(request.vectors - request.done, self._beats - (request.address + request.done) % self._beats)

    def _read_burst(self, clock: int) -> None:
        request = self._reading
        assert request
        count = self._burst(request)
        first = max(clock + self._latency, self._free)
        self._free = first + count
        self.reads += count
        self._arrivals.append(self._free - 1)
        self._read_clock = clock + 1
        if request.chunk:
            self._fetched(request, first, count)
        request.done += count
        if request.done == request.vectors:
            self._end_read(request, clock)

    def _end_read(self, request: Request, clock: int) -> None:
        final = self._free - 1
        self._reading, self._last_read = None, clock
        self._finals.append(final)
        self.busy[-1] = self.busy[-1][0], final
        if not request.chunk:
            self._wires.put(self._wires.load_final, final)

    def _fetched(self, request: Request, first: int, count: int) -> None:
        """The instructions whose last vectors are in this burst."""
        size = self._per_instruction
        for end in range(-(-(request.done + 1) // size) * size, request.done + count + 1, size):
            self._wires.put(self._wires.fetched, first + end - 1 - request.done)

    def _write_burst(self, clock: int) -> None:
        request = self._writes[0]
        count = self._burst(request)
        first = max(clock + 1, self._free, request.clock + 3 + request.done)
        self._free = first + count
        self.writes += count
        request.done += count
        request.bursts += 1
        if request.done == request.vectors:
            self._writes.popleft()
            # the answer in the clock after the last beat, and one more until it is counted
            self._wires.put(self._wires.store_done, self._free + 1)


_NONE = Request(FAR, 0, 0)
