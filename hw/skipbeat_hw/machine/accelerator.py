"""The accelerator: the machine with standard AXI ports and its registers."""

from __future__ import annotations

from amaranth import Cat, Module, Signal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from skipbeat_arch.instruction import VERSION
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import COUNTERS_AT, Counter, Register

from ..arguments import expect
from .axi import LiteSignature, ReadSignature, WriteSignature
from .machine import MachineTop

#: Bits of a byte address within the registers.
ADDRESS_BITS = 9


def _ports(prefix: str, signature: wiring.Signature, flipped: bool) -> dict[str, wiring.Member]:
    """The members of a signature as single ports with standard names, such as `m_axi_araddr`."""
    members = signature.flip().members if flipped else signature.members
    return {f"{prefix}_{name}": member for name, member in members.items()}


class Accelerator(wiring.Component):
    """`m_axi_*`: AXI4 master, one ID, incrementing bursts. `s_axi_*`: AXI4-Lite slave of 32 bits (`Register`,
    `Counter`). `interrupt_o`: high from the end of a run until the next start.

    A register is written 1 clock after address and data are there, and read 1 clock after its address. Writes to
    read-only registers are ignored; reads of others give 0. CONTROL, PROGRAM and COUNT are written whole (all strobes).
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        self.top = MachineTop(machine)
        bus = {"data_bits": 8 * machine.beat_bytes, "address_bits": machine.hw.memory.address_bits}
        super().__init__(
            {
                **_ports("m_axi", ReadSignature(**bus), False),
                **_ports("m_axi", WriteSignature(**bus), False),
                **_ports("s_axi", LiteSignature(address_bits=ADDRESS_BITS), True),
                "interrupt_o": Out(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.machine = top = self.top
        for bus in (top.read, top.write):
            for name, member in bus.signature.members.items():
                outside, inside = getattr(self, f"m_axi_{name}"), getattr(bus, name)
                m.d.comb += outside.eq(inside) if member.flow == Out else inside.eq(outside)
        ended = Signal()
        program = Signal(32)
        count = Signal.like(top.count_i)
        start = Signal()
        m.d.comb += [
            top.start_i.eq(start),
            top.address_i.eq(program),
            top.count_i.eq(count),
            self.interrupt_o.eq(ended & ~top.busy_o),
        ]
        with m.If(start & ~top.busy_o):
            m.d.sync += ended.eq(1)
        self._writes(m, start, program, count)
        self._reads(m, program, count)
        return m

    def _writes(self, m: Module, start: Signal, program: Signal, count: Signal) -> None:
        """Address and data may come in any order; the answer follows when both are there."""
        have_address = Signal()
        have_data = Signal()
        address = Signal(ADDRESS_BITS)
        value = Signal(32)
        whole = Signal()
        write = Signal()
        m.d.comb += [
            self.s_axi_awready.eq(~have_address),
            self.s_axi_wready.eq(~have_data),
            write.eq(have_address & have_data & ~self.s_axi_bvalid),
        ]
        with m.If(self.s_axi_awvalid & ~have_address):
            m.d.sync += [have_address.eq(1), address.eq(self.s_axi_awaddr)]
        with m.If(self.s_axi_wvalid & ~have_data):
            m.d.sync += [have_data.eq(1), value.eq(self.s_axi_wdata), whole.eq(self.s_axi_wstrb.all())]
        with m.If(write):
            m.d.sync += [have_address.eq(0), have_data.eq(0), self.s_axi_bvalid.eq(1)]
            with m.If(whole), m.Switch(address):
                with m.Case(Register.CONTROL):
                    m.d.comb += start.eq(value[0])
                with m.Case(Register.PROGRAM):
                    m.d.sync += program.eq(value)
                with m.Case(Register.COUNT):
                    m.d.sync += count.eq(value)
        with m.Elif(self.s_axi_bready):
            m.d.sync += self.s_axi_bvalid.eq(0)

    def _reads(self, m: Module, program: Signal, count: Signal) -> None:
        m.d.comb += self.s_axi_arready.eq(~self.s_axi_rvalid)
        with m.If(self.s_axi_arvalid & self.s_axi_arready):
            m.d.sync += [self.s_axi_rvalid.eq(1), self.s_axi_rdata.eq(0)]
            with m.Switch(self.s_axi_araddr):
                for offset, value in self._values(program, count).items():
                    with m.Case(offset):
                        m.d.sync += self.s_axi_rdata.eq(value)
        with m.Elif(self.s_axi_rready):
            m.d.sync += self.s_axi_rvalid.eq(0)

    def _values(self, program: Signal, count: Signal) -> dict[int, Value | int]:
        """What each readable register holds."""
        array, top = self.machine.hw.array, self.top
        lanes = self.machine.hw.weights.decode_lanes
        values: dict[int, Value | int] = {
            Register.STATUS: Cat(top.busy_o, top.done_o, Signal(6), top.error_o),
            Register.VERSION: VERSION,
            Register.FINGERPRINT: self.machine.fingerprint,
            Register.SHAPE: array.rows | array.cols << 8 | array.group << 16 | lanes << 24,
            Register.PROGRAM: program,
            Register.COUNT: count,
        }
        for counter in Counter:
            low, high = top.counts_o[counter][:32], top.counts_o[counter][32:]
            values |= {COUNTERS_AT + 8 * counter: low, COUNTERS_AT + 8 * counter + 4: high}
        return values
