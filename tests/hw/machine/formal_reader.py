"""What is proved of the read master, against any slave that answers bursts in order."""

from __future__ import annotations

from amaranth.hdl import Array, Assert, Assume, Cat, Const, Cover, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component

from skipbeat_hw.machine.axi import INCR, Bursts
from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import Around, RegisterFifo, beats_of, implies, stays, unannounced

PAGE = 4096


class ReaderRules(Around):
    """Addresses are AXI's, requests are covered exactly, and each vector comes out as it came in.

    Asserted: `arvalid` and its payload stay until `arready`; a burst is aligned, no longer than BL, within 4 KiB, and
    begins where the one before it ended; a request is covered to the last beat; never more than OUT bursts are under
    way; `rready` is 1; each vector's last beat brings `beat_o` a clock later, with its data, and `final` is set on
    exactly the vectors that end a request; `returns` never overflows, and has a head whenever a beat comes.

    Assumed: requests of at least one vector, aligned to vectors; a slave that gives the beats of the bursts in order,
    `rlast` with each one's last. Everything else is free.
    """

    def __init__(self, reader: Component) -> None:
        self.machine = reader.machine
        super().__init__(reader, RegisterFifo)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        bus, machine = self.bus, self.machine
        self.accepted, self.sent = self.requests.valid & self.requests.ready, bus.arvalid & bus.arready
        length = Signal(9)
        m.d.comb += [
            length.eq(bus.arlen + 1),
            Assume(self.requests.payload.count != 0),
            Assume(self.requests.payload.address % machine.vector == 0),
            Assert(bus.rready),
        ]
        due = self._addresses(m, length)
        self._slave(m, length, due == length)
        self._vectors(m)
        active = register(inside, "active")
        left = unannounced(m, inside, machine, active)
        waiting = Bursts(machine).layout(register(inside, "waiting"))
        following = beats_of(m, machine, self.waits, waiting.address, waiting.more, waiting.end, waiting.full)
        m.d.comb += [
            Assert(register(inside, "outstanding") == self.bursts.level),
            Assert(register(inside, "may_send") == (self.bursts.level != machine.hw.memory.outstanding)),
            Assert(register(inside, "waits") == self.waits),
            implies(self.waits, active, self.next_due == following, self.next_address == waiting.address),
            implies(self.waits, self.next_due != 0),
            Assert(due == Mux(active, left, 0)),
            implies(active, left != 0, register(inside, "address") == self.following),
            Assert(self.quiet_o == (~active & (self.bursts.level == 0))),
            implies(self.quiet_o, self.fifos[0].level == 0),
        ]
        part = register(inside, "part") if machine.vector_beats > 1 else Const(0, 1)
        m.d.comb += Assert(part == self.part_of_vector)
        self._books(m, register(inside, "number") - 1, part, active, left)
        return m

    def _addresses(self, m: Module, length: Signal) -> Signal:
        """The rules of the address channel; returns the beats that the request still needs."""
        bus, machine = self.bus, self.machine
        size, longest = machine.beat_bytes, machine.burst_beats
        due = Signal(16 + machine.vector_beats.bit_length())
        self.following = Signal(32)
        # The request that was taken while the one before it is announced.
        self.waits, self.next_due, self.next_address = Signal(), Signal.like(due), Signal(32)
        beats, address = self.requests.payload.count * machine.vector_beats, self.requests.payload.address
        free = (due == 0) | (self.sent & (due == length))
        with m.If(free):
            m.d.sync += [
                due.eq(Mux(self.waits, self.next_due, Mux(self.accepted, beats, 0))),
                self.following.eq(Mux(self.waits, self.next_address, address)),
                self.waits.eq(0),
            ]
        with m.Else():
            with m.If(self.sent):
                m.d.sync += [due.eq(due - length), self.following.eq(self.following + length * size)]
            with m.If(self.accepted):
                m.d.sync += [self.waits.eq(1), self.next_due.eq(beats), self.next_address.eq(address)]
        stays(m, bus.arvalid, bus.arready, bus.araddr, bus.arlen, bus.arsize, bus.arburst)
        m.d.comb += [
            Assert(self.following % size == 0),
            implies(self.waits, self.next_address % size == 0),
            implies(bus.arvalid, length <= due, length <= longest, bus.araddr == self.following),
            implies(bus.arvalid, bus.araddr[:12] + length * size <= PAGE, 1 << bus.arsize == size, bus.arburst == INCR),
            Cover(self.sent & self.accepted & (length == due)),
            Cover(self.sent & self.waits & (length < due)),
        ]
        return due

    def _slave(self, m: Module, length: Signal, ends: Value) -> None:
        """Keeps the bursts under way, each with its length and whether it ends a request, and answers them in order."""
        bus, machine = self.bus, self.machine
        m.submodules.bursts = self.bursts = RegisterFifo(width=10, depth=machine.hw.memory.outstanding)
        self.given = Signal(9)
        head, ends_request = self.bursts.r_data[:9], self.bursts.r_data[9]
        m.d.comb += [
            self.bursts.w_en.eq(self.sent),
            self.bursts.w_data.eq(Cat(length, ends)),
            implies(self.sent, self.bursts.w_rdy),
            Assert(self.bursts.level <= machine.hw.memory.outstanding),
            Assume(~bus.rvalid | (self.bursts.r_rdy & (bus.rlast == (self.given + 1 == head)))),
            self.bursts.r_en.eq(bus.rvalid & bus.rlast),
        ]
        with m.If(bus.rvalid):
            m.d.sync += self.given.eq(Mux(bus.rlast, 0, self.given + 1))
        self.ends = bus.rlast & ends_request

    def _vectors(self, m: Module) -> None:
        """Each vector is there a clock after its last beat."""
        bus, parts = self.bus, self.machine.vector_beats
        self.part_of_vector = part = Signal(range(max(2, parts)))
        came, ends, data = Signal(), Signal(), Signal(8 * self.machine.vector)
        with m.If(bus.rvalid):
            m.d.sync += [part.eq(Mux(part == parts - 1, 0, part + 1)), data.eq(Cat(data, bus.rdata)[-len(data) :])]
        m.d.sync += [came.eq(bus.rvalid & (part == parts - 1)), ends.eq(self.ends)]
        m.d.comb += [
            Assert(self.beat_o.valid == came),
            implies(came, self.beat_o.data == data, self.beat_o.final == ends),
            Cover(came & ends & (self.fifos[0].level != 0)),
        ]

    def _books(self, m: Module, taken: Value, part: Value, active: Signal, left: Value) -> None:
        """The invariant: requests end where bursts that end a request end, counted in beats from now on."""
        parts, returns = self.machine.vector_beats, self.fifos[0]
        requests: list[Value] = []
        end: Value = -(taken * parts + part)
        # The one that waits, the one at the addresses and those that the bursts under way belong to: no more are open.
        for i, count in enumerate(returns.entries[: self.machine.hw.memory.outstanding + 2]):
            end = end + count * parts
            requests.append(end)
            m.d.comb += implies(i < returns.level, count != 0)
        m.d.comb += [implies(returns.level != 0, taken < returns.entries[0]), implies(returns.level == 0, taken == 0)]
        m.d.comb += implies(returns.level == 0, part == 0)
        of, beats, ended = Array(requests), -self.given, Const(0, 1)
        for i, burst in enumerate(self.bursts.entries):
            here, length, ends = i < self.bursts.level, burst[:9], burst[9]
            beats = beats + Mux(here, length, 0)
            equal = beats == of[ended]
            m.d.comb += implies(here, length != 0, ended < returns.level, beats <= of[ended], equal == ends)
            ended = ended + (here & ends)
        m.d.comb += [
            Assert(returns.level == ended + active + self.waits),
            implies(active, beats + left == of[ended]),
            implies(self.waits, beats + left + self.next_due == of[ended + 1]),
            implies(self.bursts.level != 0, self.given < self.bursts.entries[0][:9]),
            implies(self.bursts.level == 0, self.given == 0),
        ]
