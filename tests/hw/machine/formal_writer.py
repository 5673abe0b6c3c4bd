"""What is proved of the write master, against any slave that answers a burst once it has all of it."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component

from skipbeat_hw.machine.axi import INCR
from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import Around, StableFifo, implies, stays

PAGE = 4096


class WriterRules(Around):
    """Addresses and data are AXI's, every beat belongs to a burst that was announced before, and none is missing.

    Asserted: `awvalid`, `wvalid` and their payloads stay until ready; a burst is aligned, no longer than BL, within
    4 KiB, and begins where the one before it ended; a request is covered to the last beat; no beat is sent before the
    address of its burst; `wlast` is set on exactly the last beat of each burst (of any one burst, which the free input
    `mark` picks); the FIFO never overflows and holds every vector that was read; as many vectors are read as the
    request has; `unanswered` counts the responses that are due; `done_o` comes only when all beats are sent and all
    responses are there, and then at once.

    Assumed: requests of at least one vector and at most a half of the output memory, aligned to vectors; a slave that
    answers each burst once, after its last beat.
    """

    def __init__(self, writer: Component) -> None:
        self.machine = writer.machine
        super().__init__(writer, StableFifo, mark=1)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        bus, machine, request = self.bus, self.machine, self.requests.payload
        self.size, self.beats, self.parts = machine.beat_bytes, machine.burst_beats, machine.vector_beats
        self.accepted = self.requests.valid & self.requests.ready
        self.sent, self.moved, self.answered = bus.awvalid & bus.awready, bus.wvalid & bus.wready, bus.bvalid
        self.length = Signal(9)
        #: Beats of the request that are not announced, that are announced and not sent, and bursts without a response.
        bits = 18
        self.due, self.ahead, self.open = Signal(bits), Signal(bits), Signal(bits)
        m.d.comb += [
            self.length.eq(bus.awlen + 1),
            Assume((request.count != 0) & (request.count <= machine.output_depth)),
            Assume(request.address % machine.vector == 0),
            Assert(bus.bready),
        ]
        following = self._addresses(m)
        m.d.sync += self.ahead.eq(self.ahead + Mux(self.sent, self.length, 0) - self.moved)
        m.d.sync += self.open.eq(self.open + self.sent - self.answered)
        position = register(inside, "position") if self.beats > 1 else Const(0, 1)
        self._books(m, inside, following, position)
        self._answers(m, register(inside, "active"), register(inside, "sent"), position)
        self._marked(m, position, register(inside, "sent"), register(inside, "count"))
        return m

    def _addresses(self, m: Module) -> Signal:
        """The rules of the address and data channels; returns where the next burst begins."""
        bus, following = self.bus, Signal(32)
        with m.If(self.accepted):
            m.d.sync += [
                self.due.eq(self.requests.payload.count * self.parts),
                following.eq(self.requests.payload.address),
            ]
        with m.Elif(self.sent):
            m.d.sync += [self.due.eq(self.due - self.length), following.eq(following + self.length * self.size)]
        stays(m, bus.awvalid, bus.awready, bus.awaddr, bus.awlen, bus.awsize, bus.awburst)
        stays(m, bus.wvalid, bus.wready, bus.wdata, bus.wstrb, bus.wlast)
        m.d.comb += [
            implies(bus.awvalid, self.length <= self.due, self.length <= self.beats, bus.awaddr == following),
            implies(bus.awvalid, bus.awaddr[:12] + self.length * self.size <= PAGE, following % self.size == 0),
            implies(bus.awvalid, 1 << bus.awsize == self.size, bus.awburst == INCR),
            implies(bus.wvalid, self.ahead != 0, bus.wstrb.all()),
        ]
        return following

    def _books(self, m: Module, inside: Fragment, following: Signal, position: Value) -> None:
        """The invariants that join the writer's counters to each other and to what the bus has seen."""
        active, count, sent = (register(inside, name) for name in ("active", "count", "sent"))
        room, reading, to_read = (register(inside, name) for name in ("room", "reading", "to_read"))
        part = register(inside, "part") if self.parts > 1 else Const(0, 1)
        (fifo,) = self.fifos
        unread = (to_read + reading + fifo.level) * self.parts - part
        shift, first = self.size.bit_length() - 1, self.due == count
        place = following[shift : shift + self.beats.bit_length() - 1]
        next_place = (position + self.ahead)[: len(place)] if self.beats > 1 else Const(0, 0)
        m.d.comb += [
            Assert(room + reading + fifo.level == fifo.depth),
            implies(fifo.w_en, fifo.w_rdy),
            implies(fifo.r_en, fifo.r_rdy),
            Assert(register(inside, "left") == self.due),
            Assert(register(inside, "ahead") == self.ahead),
            Assert(register(inside, "unanswered") == self.open),
            implies(active & (self.due != 0), register(inside, "address") == following),
            implies(active, sent + unread == count, sent + self.ahead + self.due == count, count != 0),
            implies(active, count <= self.machine.output_depth * self.parts),
            implies(~active, to_read == 0, ~reading, fifo.level == 0, self.due == 0, self.ahead == 0, self.open == 0),
            implies(~active, part == 0),
            implies(active & (self.due != 0), place == next_place, first | (place == 0)),
            implies(active & first, sent == 0, self.ahead == 0, position == place),
            Assert(self.done_o == (active & (self.due == 0) & (self.ahead == 0) & (self.open == 0))),
            implies(self.done_o, sent == count, fifo.level == 0),
            implies(self.accepted, ~active),
            Cover(self.moved & self.sent & (self.open > 1)),
            Cover(self.done_o & (count > self.beats)),
        ]

    def _answers(self, m: Module, active: Signal, sent: Signal, position: Value) -> None:
        """The slave answers bursts that are complete; those that are not lie in the blocks that the beats touch."""
        complete = Signal(18)
        m.d.sync += complete.eq(complete + (self.moved & self.bus.wlast) - self.answered)
        m.d.comb += Assume(~self.answered | (complete != 0))
        shift = self.beats.bit_length() - 1
        blocks = Mux(self.ahead == 0, 0, (position + self.ahead + self.beats - 1) >> shift)
        m.d.comb += [Assert(self.open == complete + blocks), implies(~active, complete == 0)]
        m.d.comb += implies(active, complete <= sent)

    def _marked(self, m: Module, position: Value, sent: Signal, count: Signal) -> None:
        """Follows one burst: the beats before it, and its own."""
        before, own = Signal(18), Signal(9)
        with m.If(self.sent & self.mark & (own == 0)):
            m.d.sync += [before.eq(self.ahead - self.moved), own.eq(self.length)]
        with m.Elif(self.moved & (before != 0)):
            m.d.sync += before.eq(before - 1)
        with m.Elif(self.moved & (own != 0)):
            m.d.sync += own.eq(own - 1)
        inside, last, end = (own != 0) & (before == 0), self.bus.wlast, before + own
        shift = self.beats.bit_length() - 1
        begin = (position + before)[:shift] if shift else Const(0, 1)
        m.d.comb += [
            implies(self.bus.wvalid & inside, last == (own == 1)),
            implies(self.bus.wvalid & (before == 1), last),
            implies(own == 0, before == 0),
            implies(own != 0, end <= self.ahead, begin + own <= self.beats, (before == 0) | (begin == 0)),
            implies(own != 0, (sent + end == count) | (begin + own == self.beats)),
            Cover(self.moved & inside & Cat(last, own > 1).all()),
        ]
