"""The reader, the writer's addresses and the memory: the order of events decides, so they are taken in time order.

The memory serves whole bursts in the order of their addresses. So a burst's beats are known as soon as its address is
the earliest that can still come: nothing that follows from a decision comes before it, and everything else is known
when all processes wait. A duplex memory serves writes apart: then nothing decides about them but their own order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from skipbeat_arch.depths import READER_QUEUE
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine

from .wires import Wires

#: Later than any clock.
FAR = 1 << 60


@dataclass(slots=True)
class Request:
    """A request on its way: beats from `address` (in beats), of which `done` have been asked for.

    `clock`: when it can first be accepted. `chunk`: for fetch, the instructions in it; 0 for others. `fetched`: those
    of them that have been asked for. `number`: the LOAD that writes the activation banks with it, or -1.
    """

    clock: int
    address: int
    beats: int
    chunk: int = 0
    number: int = -1
    done: int = 0
    fetched: int = 0


@dataclass(frozen=True, slots=True)
class BankBurst:
    """A burst of a LOAD of activations: `number` of the LOAD, the first clock, beats, and beats of the LOAD before."""

    number: int
    first: int
    beats: int
    before: int


class Bus:
    """All that is read and written, in bursts.

    Attributes:
        beat_bytes, vector_beats: sizes.
        reads, writes: beats so far.
        busy: (first, last) clock in which the reader is busy with each request, in order.
        bank_bursts: of the LOADs of activations, in order.
    """

    def __init__(self, machine: Machine, wires: Wires) -> None:
        self._wires = wires
        memory = machine.hw.memory
        self._burst_beats, self._latency = machine.burst_beats, memory.latency_clocks
        self._duplex = machine.duplex
        self.beat_bytes, self.vector_beats = machine.beat_bytes, machine.vector_beats
        self._vector = machine.vector
        self._fetch: Request | None = None
        self._load: Request | None = None
        self._reading: Request | None = None
        self._read_clock = self._last_read = 0
        self._arrivals: deque[int] = deque([-1] * memory.outstanding, maxlen=memory.outstanding)
        self._finals: deque[int] = deque([-1] * READER_QUEUE, maxlen=READER_QUEUE)
        self._write: Request | None = None
        self._write_clock = FAR
        # when the memory can serve the next burst: a duplex one has two servers
        self._free = self._write_free = self._now = 0
        self.reads = self.writes = 0
        self.busy: list[tuple[int, int]] = []
        self.bank_bursts: list[BankBurst] = []

    def ask_fetch(self, clock: int, byte: int, vectors: int, chunk: int) -> None:
        """The next request of fetch, for a `chunk` of instructions; only after the one before was accepted."""
        self._in_time(clock)
        self._fetch = Request(clock, byte // self.beat_bytes, vectors * self.vector_beats, chunk)

    def ask_load(self, clock: int, byte: int, vectors: int, number: int) -> None:
        """The next request of the load engine; only after the one before was accepted. `number`: see `Request`."""
        self._in_time(clock)
        self._load = Request(clock, byte // self.beat_bytes, vectors * self.vector_beats, 0, number)

    def write(self, clock: int, byte: int, vectors: int) -> None:
        """The next request of the store engine, accepted in its clock; only after the one before was answered."""
        request = Request(clock, byte // self.beat_bytes, vectors * self.vector_beats)
        if self._duplex:
            address = clock + 1
            while request.done < request.beats:
                self._write_free = self._write_burst(request, address, self._write_free)
                address += 1
            return
        self._in_time(clock)
        self._write, self._write_clock = request, clock + 1

    def _in_time(self, clock: int) -> None:
        """No request may become known later than it is made: what was decided since would have come after it."""
        if clock < self._now:
            raise RuntimeError(f"timing model: a request of clock {clock} is known only in clock {self._now}")

    def step(self) -> bool:
        """Decide what comes next, until it tells a process something; False if nothing is left to decide.

        Only when all processes wait.
        """
        while True:
            write = self._write_clock
            request = self._reading
            if request:
                clock = max(self._read_clock, self._arrivals[0] + 1)
                if clock <= write:
                    if self._read_bursts(request, clock, write):
                        return True
                    continue
            elif self._fetch or self._load:
                first = min(r.clock for r in (self._fetch, self._load) if r)
                clock = max(first, self._last_read, self._finals[0] + 1)
                if clock <= write:
                    self._now = clock
                    self._accept(clock)
                    return True
            if not self._write:
                return False
            self._now = write
            self._free = self._write_burst(self._write, write, self._free)
            self._write_clock = write + 1
            if self._write.done == self._write.beats:
                self._write, self._write_clock = None, FAR
                return True

    def _accept(self, clock: int) -> None:
        """Fetch's request first."""
        fetch = self._fetch
        if fetch and fetch.clock <= clock:
            self._reading, self._fetch = fetch, None
            self._wires.asked.put(clock)
        else:
            self._reading, self._load = self._load, None
            self._wires.load_accepted.put(clock)
        self._read_clock = clock + 1
        self.busy.append((clock + 1, FAR))

    def _burst(self, request: Request) -> int:
        """Beats of the next burst of a request."""
        longest = self._burst_beats
        return min(request.beats - request.done, longest - (request.address + request.done) % longest)

    def _read_bursts(self, request: Request, clock: int, write: int) -> bool:
        """The bursts that are asked for from this clock on and before that of a write, until they tell something.

        Returns whether they did: instructions, or the end of the request.
        """
        arrivals, longest, latency, beats = self._arrivals, self._burst_beats, self._latency, request.beats
        free, done, start, begun = self._free, request.done, request.address % self._burst_beats, request.done
        while True:
            count = min(beats - done, longest - (start + done) % longest)
            first = clock + latency
            if first < free:
                first = free
            free = first + count
            arrivals.append(free - 1)
            if request.number >= 0:
                self.bank_bursts.append(BankBurst(request.number, first, count, done))
            done += count
            if done == beats or request.chunk:
                break
            following = max(clock + 1, arrivals[0] + 1)
            if following > write:
                break
            clock = following
        self._now, self._free, self._read_clock, request.done = clock, free, clock + 1, done
        self.reads += done - begun
        if request.chunk:
            self._fetched(request, first - done + count)
        if done < beats:
            return bool(request.chunk)
        self._reading, self._last_read = None, clock
        self._finals.append(free - 1)
        self.busy[-1] = self.busy[-1][0], free - 1
        if not request.chunk:
            self._wires.load_final.put(free - 1)
        return True

    def _fetched(self, request: Request, start: int) -> None:
        """The instructions whose last vectors are in this burst; beat 0 of the request would have come in `start`."""
        while request.fetched < request.chunk:
            vectors = -(-(request.fetched + 1) * INSTRUCTION_BYTES // self._vector)
            beats = vectors * self.vector_beats
            if beats > request.done:
                return
            self._wires.fetched.put(start + beats - 1)
            request.fetched += 1

    def _write_burst(self, request: Request, clock: int, free: int) -> int:
        """The burst whose address comes in this clock, on a memory that is free from `free` on; when it is again."""
        count = self._burst(request)
        # its data is there 3 clocks after the request; later bursts come after the ones before them
        free = max(clock + 1, free, request.clock + 3) + count
        self.writes += count
        request.done += count
        if request.done == request.beats:
            # the answer in the clock after the last beat, and one more until it is counted
            self._wires.store_done.put(free + 1)
        return free
