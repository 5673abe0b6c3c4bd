"""What is proved of the write master, against any slave that AXI4 allows: addresses and data taken in any order."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Const, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component

from skipbeat_arch.machine_ports import LOCAL_BITS
from skipbeat_hw.machine.axi import INCR
from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import Around, StableFifo, implies, stays, unannounced

PAGE = 4096
#: Clocks of a request without a beat on offer, before the first one.
FIRST_BEAT = 2
#: Beats of a request in the trackers.
BEAT_BITS = 18


class WriterRules(Around):
    """Addresses and data are AXI's, neither waits for the other, every beat belongs to a burst, and none is missing.

    Asserted: `awvalid`, `wvalid` and their payloads stay until ready; while a burst is not announced, `awvalid` is 1,
    whatever the data channel does; the first beat is offered in the third clock after its request and one in every
    clock from there, whatever the address channel does (A3.3.1); a burst is aligned, no longer than BL, within 4 KiB,
    and begins where the one before it ended; bursts and beats cover a request exactly; `wlast` is set on exactly the
    last beat of each burst, whichever of address and beat was taken first (shown of any one beat, which the free input
    `mark` picks); the FIFO never overflows and holds every vector that was read; those vectors are read that the
    request has, and no others; `unanswered` counts the responses that are due; `done_o` comes only when all beats are
    sent and all responses are there, and then at once.

    Assumed: requests of at least one vector and at most a half of the output memory, aligned to vectors; a slave that
    answers each burst once, after its address and its last beat.
    """

    def __init__(self, writer: Component) -> None:
        self.machine = writer.machine
        super().__init__(writer, StableFifo, mark=BEAT_BITS)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        bus, machine, request = self.bus, self.machine, self.requests.payload
        self.size, self.beats, self.parts = machine.beat_bytes, machine.burst_beats, machine.vector_beats
        self.accepted = self.requests.valid & self.requests.ready
        self.sent, self.moved, self.answered = bus.awvalid & bus.awready, bus.wvalid & bus.wready, bus.bvalid
        self.length = Signal(9)
        self._follow_request(m)
        m.d.comb += [
            self.length.eq(bus.awlen + 1),
            Assume((request.count != 0) & (request.count <= machine.output_depth)),
            Assume(request.address % machine.vector == 0),
            Assert(bus.bready),
        ]
        self._channels(m)
        position = register(inside, "position") if self.beats > 1 else Const(0, 1)
        self._books(m, inside, position)
        self._flow(m, inside)
        self._answers(m, register(inside, "active"))
        self._marked_beat(m)
        return m

    def _follow_request(self, m: Module) -> None:
        """What the bus has seen of the request under way, all in beats."""
        #: Beats of the request; those that are not announced, and not sent; bursts without a response.
        self.total, self.due, self.owed, self.open = (Signal(BEAT_BITS) for _ in range(4))
        #: Where the request began within a longest burst, and where the next burst begins in memory.
        self.begin, self.following = Signal(BEAT_BITS), Signal(32)
        #: The vector of the output memory behind the request's last one.
        self.stop = Signal(LOCAL_BITS)
        request, beats = self.requests.payload, self.requests.payload.count * self.parts
        with m.If(self.accepted):
            m.d.sync += self.stop.eq(request.start + request.count)
            m.d.sync += [self.total.eq(beats), self.due.eq(beats), self.owed.eq(beats)]
            m.d.sync += [self.begin.eq(self._within(request.address)), self.following.eq(request.address)]
        with m.Else():
            m.d.sync += self.owed.eq(self.owed - self.moved)
            with m.If(self.sent):
                m.d.sync += self.due.eq(self.due - self.length)
                m.d.sync += self.following.eq(self.following + self.length * self.size)
        m.d.sync += self.open.eq(self.open + self.sent - self.answered)

    def _within(self, address: Value) -> Value:
        """Beats from the last multiple of a longest burst to an address."""
        shift = self.size.bit_length() - 1
        return address[shift : shift + self.beats.bit_length() - 1]

    def _ends(self, beat: Value) -> Value:
        """Whether a beat of the request, counted from 0, is the last of its burst."""
        return ((self.begin + beat + 1) % self.beats == 0) | (beat + 1 == self.total)

    def _channels(self, m: Module) -> None:
        """The rules of the address and data channels."""
        bus = self.bus
        stays(m, bus.awvalid, bus.awready, bus.awaddr, bus.awlen, bus.awsize, bus.awburst)
        stays(m, bus.wvalid, bus.wready, bus.wdata, bus.wstrb, bus.wlast)
        m.d.comb += [
            Assert(bus.awvalid == (self.due != 0)),
            implies(bus.awvalid, self.length <= self.due, self.length <= self.beats, bus.awaddr == self.following),
            implies(bus.awvalid, bus.awaddr[:12] + self.length * self.size <= PAGE, self.following % self.size == 0),
            implies(bus.awvalid, 1 << bus.awsize == self.size, bus.awburst == INCR),
            implies(bus.wvalid, self.owed != 0, bus.wstrb.all()),
        ]

    def _books(self, m: Module, inside: Fragment, position: Value) -> None:
        """The invariants that join the writer's counters to each other and to what the bus has seen."""
        active, announcing, sending = (register(inside, name) for name in ("active", "announcing", "sending"))
        room, reading, to_read = (register(inside, name) for name in ("room", "reading", "to_read"))
        left = unannounced(m, inside, self.machine, announcing)
        part = register(inside, "part") if self.parts > 1 else Const(0, 1)
        (fifo,) = self.fifos
        announced = self.total - self.due
        first = self.due == self.total
        m.d.comb += [
            Assert(room + reading + fifo.level == fifo.depth),
            implies(fifo.w_en, fifo.w_rdy),
            implies(fifo.r_en, fifo.r_rdy),
            Assert(self.due == Mux(announcing, left, 0)),
            implies(announcing, left != 0, active),
            Assert(register(inside, "unanswered") == self.open),
            Assert(register(inside, "silent") == (self.open == 0)),
            implies(active & (self.due != 0), register(inside, "address") == self.following),
            implies(active, self.total != 0, self.total <= self.machine.output_depth * self.parts),
            implies(active, self.due <= self.total, self.owed <= self.total),
            Assert(sending == (self.owed != 0)),
            implies(sending, register(inside, "owed") == self.owed, register(inside, "ending") == (self.owed == 1)),
            Assert(register(inside, "reads") == (to_read != 0)),
            implies(active, (register(inside, "read_at") + to_read)[: len(self.stop)] == self.stop),
            implies(active, (to_read + reading + fifo.level) * self.parts - part == self.owed),
            implies(active, (self.begin + self.total - self.owed) % self.beats == position, self.begin < self.beats),
            implies(active, (self.begin + announced) % self.beats == self._within(self.following)),
            implies(active & (self.due != 0), first | (self._within(self.following) == 0)),
            implies(~active, to_read == 0, ~reading, fifo.level == 0, self.due == 0, self.owed == 0, self.open == 0),
            implies(~active, part == 0),
            Assert(self.done_o == (active & (self.due == 0) & (self.owed == 0) & (self.open == 0))),
            implies(self.accepted, ~active),
            Cover(self.moved & self.sent & (self.open > 1)),
            Cover(self.done_o & (self.total > self.beats)),
        ]

    def _flow(self, m: Module, inside: Fragment) -> None:
        """The data channel waits for its memory before the first beat, and for nothing after it."""
        active, reading, to_read = (register(inside, name) for name in ("active", "reading", "to_read"))
        (fifo,) = self.fifos
        waited, begun = Signal(2), Signal()
        with m.If(self.accepted):
            m.d.sync += [waited.eq(0), begun.eq(0)]
        with m.Elif(self.bus.wvalid):
            m.d.sync += begun.eq(1)
        with m.Elif(self.owed != 0):
            m.d.sync += waited.eq(waited + 1)
        m.d.comb += [
            Assert(waited <= FIRST_BEAT),
            implies(active & (self.owed != 0), (waited == FIRST_BEAT) == self.bus.wvalid),
            implies(active & ~begun, self.owed == self.total),
            implies(active & (waited == 0), to_read != 0, ~reading, fifo.level == 0),
            implies(active & (waited == 1), reading, fifo.level == 0),
            implies(active & (waited == FIRST_BEAT) & (to_read != 0), reading | (fifo.level >= fifo.depth - 1)),
            Cover(self.moved & (self.due == self.total)),
            Cover(self.sent & (self.owed == 0)),
        ]

    def _answers(self, m: Module, active: Value) -> None:
        """A burst is answered when its address and its last beat are taken; those between the two are in `blocks`."""
        complete = Signal(BEAT_BITS)
        m.d.sync += complete.eq(complete + (self.moved & self.bus.wlast) - self.answered)
        m.d.comb += Assume(~self.answered | ((complete != 0) & (self.open != 0)))
        shift, full = self.beats.bit_length() - 1, self.beats - 1
        announced, given = self.total - self.due, self.total - self.owed
        from_address, from_beat = (self.begin + announced) % self.beats, (self.begin + given) % self.beats
        waiting = (from_beat + (announced - given) + full)[:BEAT_BITS] >> shift
        early = (from_address + (given - announced) + Mux(self.owed == 0, full, 0))[:BEAT_BITS] >> shift
        m.d.comb += [
            implies(announced >= given, self.open == complete + Mux(announced == given, 0, waiting)),
            implies(announced < given, complete == self.open + early),
            implies(~active, complete == 0),
            implies(active, complete <= given, self.open <= announced),
            Cover(self.answered & (complete > 1) & (self.open == 1)),
        ]

    def _marked_beat(self, m: Module) -> None:
        """Follows one beat: whether it is the last of the burst that is announced, and whether it leaves as one."""
        beat, last, announced = Signal(BEAT_BITS), Signal(), Signal()
        first, number = self.total - self.due, self.total - self.owed
        covers = self.sent & (beat >= first) & (beat < first + self.length)
        leaves = self.moved & (beat == number)
        with m.If(self.accepted):
            m.d.sync += beat.eq(self.mark)
        with m.If(covers):
            m.d.sync += announced.eq(beat + 1 == first + self.length)
        with m.If(leaves):
            m.d.sync += last.eq(self.bus.wlast)
        m.d.comb += [
            implies(beat < first, announced == self._ends(beat)),
            implies(beat < number, last == self._ends(beat)),
            implies((beat < first) & (beat < number), announced == last),
            Cover(leaves & (beat < first) & ~self.bus.wlast),
            Cover(covers & (beat < number) & (self.length > 1)),
        ]
