"""What is proved of the registers' AXI4-Lite slave, whatever the machine behind it does."""

from __future__ import annotations

from types import ModuleType
from unittest.mock import patch

from amaranth.hdl import Assert, Cat, Cover, Fragment, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import CODE_BITS
from skipbeat_arch.registers import COUNTER_BITS, COUNTERS_AT, OFFSET_BITS, Access, Counter, Register
from skipbeat_hw.machine.axi import ReadSignature, WriteSignature
from skipbeat_hw.machine.counters import READ_CLOCKS
from skipbeat_hw.machine.fetch import COUNT_BITS
from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import implies, stays


class AnyMachine(Component):
    """The ports of MachineTop and nothing behind them: a proof drives what comes out."""

    def __init__(self, machine: Machine) -> None:
        bus = {"data_bits": 8 * machine.beat_bytes, "address_bits": machine.hw.memory.address_bits}
        members = {"start_i": In(1), "address_i": In(32), "count_i": In(COUNT_BITS)}
        members |= {"counter_i": In(range(len(Counter))), "count_o": Out(COUNTER_BITS)}
        members |= {"page_i": In(machine.page_bits), "abort_i": In(1)}
        members |= {"read": Out(ReadSignature(**bus)), "write": Out(WriteSignature(**bus))}
        members |= {"busy_o": Out(1), "done_o": Out(1), "stored_o": Out(1), "error_o": Out(CODE_BITS)}
        super().__init__(members)

    def elaborate(self, _platform: object) -> Module:
        return Module()


class LiteRules(Component):
    """Responses stay until they are taken, one for each request and none before it; no request is lost or waits for
    another channel's; no write follows another in the next clock; a run is started or aborted by a write to
    CONTROL alone, once; what is written to PROGRAM is read back; the interrupt is there from the end of a run
    until it is cleared or the next run starts, if it is enabled.

    Nothing is assumed: the master and the machine are free.
    """

    def __init__(self, module: ModuleType, machine: Machine) -> None:
        with patch.dict(vars(module), MachineTop=AnyMachine):
            self.part = module.Accelerator(machine)
        members = {name: m for name, m in self.part.signature.members.items() if name.startswith("s_axi")}
        super().__init__({**members, "busy": In(1), "done": In(1), "error": In(CODE_BITS), "count": In(COUNTER_BITS)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        part = self.part
        m.submodules.part = inside = Fragment.get(part, None)
        for name, member in self.signature.members.items():
            if name.startswith("s_axi"):
                ours, its = getattr(self, name), getattr(part, name)
                m.d.comb += its.eq(ours) if member.flow == In else ours.eq(its)
        top = part.top
        m.d.comb += [top.busy_o.eq(self.busy), top.done_o.eq(self.done), top.error_o.eq(self.error)]
        m.d.comb += top.count_o.eq(self.count)
        self._writes(m, inside)
        self._reads(m, inside)
        self._interrupt(m, inside)
        return m

    def _interrupt(self, m: Module, inside: Fragment) -> None:
        """Ghosts: whether a run was under way since the last clear, and what is enabled."""
        top, pending, enabled = self.part.top, Signal(), Signal()
        clears = self.wrote & (self.address == Register.INTERRUPT) & self.word[0]
        with m.If(top.start_i & ~self.busy):
            m.d.sync += pending.eq(1)
        with m.Elif(clears & ~self.busy):
            m.d.sync += pending.eq(0)
        with m.If(self.wrote & (self.address == Register.INTERRUPT_ENABLE)):
            m.d.sync += enabled.eq(self.word[0])
        m.d.comb += [
            Assert(register(inside, "began") == pending),
            Assert(register(inside, "interrupt_enable") == enabled),
            Assert(self.part.interrupt_o == (pending & ~self.busy & enabled)),
            Assert(top.abort_i == (self.wrote & (self.address == Register.CONTROL) & self.word[1])),
            Cover(self.part.interrupt_o),
        ]

    def _writes(self, m: Module, inside: Fragment) -> None:
        """Addresses and data wait for each other, at most one of each; a response answers a pair."""
        start, program = self.part.top.start_i, self.part.top.address_i
        addresses, words = Signal(2), Signal(2)
        address, word, whole, answers = Signal(9), Signal(32), Signal(), self.s_axi_bvalid & self.s_axi_bready
        with m.If(self.s_axi_awvalid & self.s_axi_awready):
            m.d.sync += address.eq(self.s_axi_awaddr)
        with m.If(self.s_axi_wvalid & self.s_axi_wready):
            m.d.sync += [word.eq(self.s_axi_wdata), whole.eq(self.s_axi_wstrb.all())]
        m.d.sync += [
            addresses.eq(addresses + (self.s_axi_awvalid & self.s_axi_awready) - answers),
            words.eq(words + (self.s_axi_wvalid & self.s_axi_wready) - answers),
        ]
        stays(m, self.s_axi_bvalid, self.s_axi_bready, self.s_axi_bresp)
        answered, both, ended = Signal(), (addresses != 0) & (words != 0), Signal()
        pair, expected, written = Signal(), Signal(32), Signal()
        m.d.sync += [answered.eq(self.s_axi_bvalid), pair.eq(both), written.eq(start)]
        self.program = expected
        ends = both & ~self.s_axi_bvalid
        m.d.sync += ended.eq(ends)
        m.d.comb += implies(ended, ~ends)
        self.wrote, self.address, self.word = ends & whole, address, word
        named = Cat(address == each for each in Register if each.access != Access.READ)
        m.d.comb += implies(~self.s_axi_awready, register(inside, "meant") == named)
        with m.If(ends & whole & (address == Register.PROGRAM)):
            m.d.sync += expected.eq(word)
        m.d.comb += [
            Assert(addresses <= 2),
            Assert(words <= 2),
            implies(self.s_axi_bvalid, both),
            Assert(addresses == self.s_axi_bvalid + ~self.s_axi_awready),
            Assert(words == self.s_axi_bvalid + ~self.s_axi_wready),
            Assert(start == (ends & whole & (address == Register.CONTROL) & word[0])),
            implies(written, ~start, self.s_axi_bvalid),
            Assert(program == expected),
            implies(pair & ~answered, self.s_axi_bvalid),
            Cover((addresses == 2) & (words == 2)),
            Cover(start),
        ]

    def _reads(self, m: Module, inside: Fragment) -> None:
        """An answer is there `READ_CLOCKS` after the address, and until it is taken no other address is; a counter is
        asked for in all the clocks between, and its count is the answer."""
        waits, answered, address = Signal(range(READ_CLOCKS + 1)), Signal(), Signal(OFFSET_BITS)
        expected, counted = Signal(32), Signal(32)
        taken, counter = self.s_axi_arvalid & self.s_axi_arready, Signal(range(len(Counter)))
        with m.If(taken):
            m.d.sync += [waits.eq(READ_CLOCKS - 1), address.eq(self.s_axi_araddr)]
        with m.Elif(waits != 0):
            m.d.sync += waits.eq(waits - 1)
        m.d.sync += answered.eq(Mux(waits == 1, 1, answered & ~self.s_axi_rready))
        with m.If(waits == 1):
            m.d.sync += [expected.eq(self.program), counted.eq(self.count.word_select(address[2], 32))]
        m.d.comb += counter.eq((address - COUNTERS_AT) >> 3)
        is_counter = (address >= COUNTERS_AT) & (address < COUNTERS_AT + 8 * len(Counter)) & (address[:2] == 0)
        stays(m, self.s_axi_rvalid, self.s_axi_rready, self.s_axi_rdata, self.s_axi_rresp)
        programs = address == Register.PROGRAM
        m.d.comb += [
            Assert(self.s_axi_rvalid == answered),
            Assert(self.s_axi_arready == ((waits == 0) & ~answered)),
            Assert((waits == 0) | ~answered),
            Assert(waits < READ_CLOCKS),
            Assert(register(inside, "asked") == (waits != 0)),
            implies(waits != 0, register(inside, "left") == waits - 1, self.part.top.counter_i == counter),
            implies(answered & programs, self.s_axi_rdata == expected),
            implies(answered & is_counter, self.s_axi_rdata == Mux(address[2], counted[:16], counted)),
            Cover(answered & programs & (self.s_axi_rdata == 0x1000)),
        ]
