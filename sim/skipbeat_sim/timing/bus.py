"""The reader, the writer's addresses and the memory: the order of events decides, so they are taken in time order.

The memory serves whole bursts in the order of their addresses. So a burst's beats are known as soon as its address is
the earliest that can still come: nothing that follows from a decision comes before it, and everything else is known
when all processes wait. A duplex memory serves writes apart: then nothing decides about them but their own order.
"""

from __future__ import annotations

from typing import NamedTuple

from skipbeat_arch.depths import READER_QUEUE
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine

from .state import Part
from .wires import Wires

#: Later than any clock.
FAR = 1 << 60


class Request(NamedTuple):
    """A request on its way.

    Attributes:
        start: its first beat, in beats from where a burst can begin; beats: all that it asks for.
        chunk: for fetch, the instructions in it; 0 for others.
        banks: it is a LOAD that writes the activation banks.
    """

    start: int
    beats: int
    chunk: int = 0
    banks: bool = False


class Bus(Part):
    """All that is read and written, in bursts.

    Attributes:
        beat_bytes, vector_beats: sizes.
        reads, writes: beats so far.
        accepted, finals: clocks in which the reader takes each request, and of its last beat.
        arrivals: clocks of the last beats of all bursts that are read, after as many as may be on their way.
        burst_firsts: clocks of the first beats of all bursts of LOADs of activations, with the beats of each
            (`burst_beats`) and of its LOAD before it (`beats_before`).
        now: the last decision.
        fetch, load, write_request: requests that wait, with the clocks in which they are made.
        reading, following: the request that the reader announces, and the one that it has taken behind it.
        done, fetched: beats and instructions of `reading` that were asked for; write_done: beats that were written.
        read_clock, write_clock: when the next address can come; take_clock: when the reader can take the next request.
        free, write_free: when the memory can serve the next burst: a duplex one has two servers.
    """

    CLOCKS = (
        *("fetch_clock", "load_clock", "written_clock", "read_clock", "take_clock"),
        *("write_clock", "free", "write_free", "now"),
    )
    COUNTS = ("reads", "writes")
    LISTS = ("accepted", "finals", "arrivals", "burst_firsts")
    NUMBERS = ("burst_beats", "beats_before")
    VALUES = ("fetch", "load", "reading", "following", "done", "fetched", "write_request", "write_done")

    def __init__(self, machine: Machine, wires: Wires) -> None:
        self._wires = wires
        memory = machine.hw.memory
        self._burst_beats, self._latency = machine.burst_beats, memory.latency_clocks
        self._duplex, self._outstanding = machine.duplex, memory.outstanding
        self.beat_bytes, self.vector_beats = machine.beat_bytes, machine.vector_beats
        self._vector = machine.vector
        self.fetch: Request | None = None
        self.load: Request | None = None
        self.reading: Request | None = None
        self.following: Request | None = None
        self.write_request: Request | None = None
        self.fetch_clock = self.load_clock = self.read_clock = self.take_clock = 0
        self.written_clock = self.write_clock = self.done = self.fetched = self.write_done = 0
        self.free = self.write_free = self.now = 0
        self.reads = self.writes = 0
        self.accepted, self.finals, self.arrivals = list[int](), list[int](), [-1] * memory.outstanding
        self.burst_firsts, self.burst_beats, self.beats_before = list[int](), list[int](), list[int]()

    def ask_fetch(self, clock: int, byte: int, vectors: int, chunk: int) -> None:
        """The next request of fetch, for a `chunk` of instructions; only after the one before was accepted."""
        self._in_time(clock)
        self.fetch, self.fetch_clock = self._request(byte, vectors, chunk), clock

    def ask_load(self, clock: int, byte: int, vectors: int, *, banks: bool) -> None:
        """The next request of the load engine; only after the one before was accepted. `banks`: see `Request`."""
        self._in_time(clock)
        self.load, self.load_clock = self._request(byte, vectors, 0, banks), clock

    def write(self, clock: int, byte: int, vectors: int) -> None:
        """The next request of the store engine, accepted in its clock; only after the one before was answered."""
        request = self._request(byte, vectors)
        self.written_clock, self.write_clock, self.write_done = clock, clock + 1, 0
        if not self._duplex:
            self._in_time(clock)
            self.write_request = request
            return
        while self.write_done < request.beats:
            self.write_free = self._write_burst(request, self.write_free)

    def ahead(self) -> list[list[int]]:
        """Lists of clocks that later decisions can read."""
        return [self.arrivals[-self._outstanding :], self.finals[-READER_QUEUE:]]

    def _request(self, byte: int, vectors: int, chunk: int = 0, banks: bool = False) -> Request:
        return Request(byte // self.beat_bytes % self._burst_beats, vectors * self.vector_beats, chunk, banks)

    def _in_time(self, clock: int) -> None:
        """No request may become known later than it is made: what was decided since would have come after it."""
        if clock < self.now:
            raise RuntimeError(f"timing model: a request of clock {clock} is known only in clock {self.now}")

    def step(self) -> bool:
        """Decide what comes next, until it tells a process something; False if nothing is left to decide.

        Only when all processes wait.
        """
        while True:
            writing = self.write_request
            write, take = self.write_clock if writing else FAR, self._acceptance()
            if self.reading:
                clock = max(self.read_clock, self.arrivals[-self._outstanding] + 1)
                if clock <= min(write, take):
                    if self._read_bursts(self.reading, clock, min(write, take)):
                        return True
                    continue
            if take <= write and take != FAR:
                self._accept(take)
                return True
            if not writing:
                return False
            self.now = write
            self.free = self._write_burst(writing, self.free)
            if self.write_done == writing.beats:
                self.write_request = None
                return True

    def _acceptance(self) -> int:
        """When the reader takes the next request."""
        if self.following or not (self.fetch or self.load):
            return FAR
        clock = min(self.fetch_clock if self.fetch else FAR, self.load_clock if self.load else FAR)
        clock, before = max(clock, self.take_clock), len(self.accepted) - READER_QUEUE
        return max(clock, self.finals[before] + 1) if before >= 0 else clock

    def _accept(self, clock: int) -> None:
        """Fetch's request first."""
        if self.fetch and self.fetch_clock <= clock:
            self.following, self.fetch = self.fetch, None
            self._wires.asked.append(clock)
        else:
            self.following, self.load = self.load, None
            self._wires.load_accepted.append(clock)
        self.now, self.take_clock = clock, clock + 1
        self.accepted.append(clock)
        if not self.reading:
            self._begin(clock)

    def _begin(self, clock: int) -> None:
        """The request that was taken last is announced from the next clock on."""
        self.reading, self.following = self.following, None
        self.done = self.fetched = 0
        self.read_clock = clock + 1

    def _read_bursts(self, request: Request, clock: int, limit: int) -> bool:
        """The bursts that are asked for from this clock on and before that of a write, until they tell something.

        Returns whether they did: instructions, or the end of the request.
        """
        arrivals, longest, outstanding, beats = self.arrivals, self._burst_beats, self._outstanding, request.beats
        free, done, start = self.free, self.done, request.start
        begun = done
        while True:
            count = min(beats - done, longest - (start + done) % longest)
            first = max(clock + self._latency, free)
            free = first + count
            arrivals.append(free - 1)
            if request.banks:
                self.burst_firsts.append(first)
                self.burst_beats.append(count)
                self.beats_before.append(done)
            done += count
            if done == beats or request.chunk:
                break
            following = max(clock, arrivals[-outstanding]) + 1
            if following > limit:
                break
            clock = following
        self.now, self.free, self.read_clock, self.done = clock, free, clock + 1, done
        self.reads += done - begun
        if request.chunk:
            self._fetched(request, first - done + count)
        if done < beats:
            return bool(request.chunk)
        self.finals.append(free - 1)
        if self.following:
            self.take_clock = clock + 1
        self._begin(clock)
        if not request.chunk:
            self._wires.load_final.append(free - 1)
        return True

    def _fetched(self, request: Request, start: int) -> None:
        """The instructions whose last vectors are in this burst; beat 0 of the request would have come in `start`."""
        while self.fetched < request.chunk:
            vectors = -(-(self.fetched + 1) * INSTRUCTION_BYTES // self._vector)
            beats = vectors * self.vector_beats
            if beats > self.done:
                return
            self._wires.fetched.append(start + beats - 1)
            self.fetched += 1

    def _write_burst(self, request: Request, free: int) -> int:
        """The burst whose address comes next, on a memory that is free from `free` on; when it is again."""
        done, longest = self.write_done, self._burst_beats
        count = min(request.beats - done, longest - (request.start + done) % longest)
        # its data is there 3 clocks after the request; later bursts come after the ones before them
        free = max(self.write_clock + 1, free, self.written_clock + 3) + count
        self.write_clock += 1
        self.writes += count
        self.write_done += count
        if self.write_done == request.beats:
            # the answer in the clock after the last beat, and one more until it is counted
            self._wires.store_done.append(free + 1)
        return free
