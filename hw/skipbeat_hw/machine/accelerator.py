"""The accelerator: the machine with standard AXI ports and its registers."""

from __future__ import annotations

from amaranth import C, Cat, Module, Signal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.machine import PAGE_BITS, Machine
from skipbeat_arch.registers import (
    COUNTERS_AT,
    OFFSET_BITS,
    REGISTER_BITS,
    Access,
    Counter,
    Field,
    Register,
    constants,
    kept,
)

from ..arguments import expect
from .axi import CONSTANTS, LiteSignature, ReadSignature, WriteSignature
from .counters import READ_CLOCKS
from .machine import MachineTop
from .wide_port import WidePort


def _ports(prefix: str, signature: wiring.Signature, flipped: bool) -> dict[str, wiring.Member]:
    """The members of a signature as single ports with standard names, such as `m_axi_araddr`."""
    members = signature.flip().members if flipped else signature.members
    return {f"{prefix}_{name}": member for name, member in members.items()}


class Accelerator(wiring.Component):
    """`m_axi_*`: AXI4 master, one ID, incrementing bursts. `s_axi_*`: AXI4-Lite slave of 32 bits (`Register`,
    `Counter`). `interrupt_o`: high from the end of a run, if enabled, until software clears it or starts the next one.

    A register is written 1 clock after address and data are there, and read 8 clocks after its address, as counters
    are. Writes to
    read-only registers are ignored; reads of others give 0. Registers are written whole (all strobes).
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        self.top = MachineTop(machine)
        bus = {"data_bits": 8 * machine.port_bytes, "address_bits": machine.hw.memory.address_bits}
        bits = {name: size for name, (size, _) in CONSTANTS.items()}
        super().__init__(
            {
                **_ports("m_axi", ReadSignature(**bus), False),
                **_ports("m_axi", WriteSignature(**bus), False),
                **{f"m_axi_{channel}{name}": Out(size) for channel in ("ar", "aw") for name, size in bits.items()},
                **{f"m_axi_{channel}id": In(bits["id"]) for channel in ("r", "b")},
                **_ports("s_axi", LiteSignature(address_bits=OFFSET_BITS), True),
                "interrupt_o": Out(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.machine = top = self.top
        widened = self._widen(m) if self.machine.port_places > 1 else ()
        for bus in (top.read, top.write):
            for name, member in bus.signature.members.items():
                outside, inside = getattr(self, f"m_axi_{name}"), getattr(bus, name)
                if name not in widened:
                    m.d.comb += outside.eq(inside) if member.flow == Out else inside.eq(outside)
        for name, (_, value) in CONSTANTS.items():
            m.d.comb += [getattr(self, f"m_axi_{channel}{name}").eq(value) for channel in ("ar", "aw")]
        written = self._writes(m)
        ended = self._interrupt(m, written)
        page = Cat(written[Register.BASE_LOW], written[Register.BASE_HIGH])[PAGE_BITS:]
        m.d.comb += [
            top.start_i.eq(_bit(written, Register.CONTROL, "start")),
            top.abort_i.eq(_bit(written, Register.CONTROL, "abort")),
            top.address_i.eq(written[Register.PROGRAM]),
            top.count_i.eq(written[Register.COUNT]),
            top.page_i.eq(page),
        ]
        self._reads(m, {register: word for register, word in written.items() if _keeps(register)}, ended)
        return m

    def _widen(self, m: Module) -> tuple[str, ...]:
        """A port wider than a beat; returns what of the bus is joined by it."""
        m.submodules.wide_port = port = WidePort(self.machine)
        read, write = self.top.read, self.top.write
        first, last = ((size.bit_length() - 1) for size in (self.machine.beat_bytes, self.machine.port_bytes))
        m.d.comb += [
            port.asked_i.eq(read.arvalid & read.arready),
            port.read_at_i.eq(read.araddr[first:last]),
            port.beat_i.eq(read.rvalid & read.rready),
            port.last_i.eq(read.rlast),
            port.wide_i.eq(self.m_axi_rdata),
            read.rdata.eq(port.read_o),
            port.offered_i.eq(write.awvalid),
            port.write_at_i.eq(write.awaddr[first:last]),
            port.moved_i.eq(write.wvalid & write.wready),
            port.write_i.eq(write.wdata),
            self.m_axi_wdata.eq(port.wide_o),
            self.m_axi_wstrb.eq(port.strobes_o),
        ]
        return "rdata", "wdata", "wstrb"

    def _interrupt(self, m: Module, written: dict[Register, Signal]) -> Value:
        """A run has ended since: from then on, until that is cleared or a run starts."""
        top = self.top
        began = Signal()
        with m.If(top.start_i & ~top.busy_o):
            m.d.sync += began.eq(1)
        with m.Elif(_bit(written, Register.INTERRUPT, "ended") & ~top.busy_o):
            m.d.sync += began.eq(0)
        ended = began & ~top.busy_o
        m.d.comb += self.interrupt_o.eq(ended & _bit(written, Register.INTERRUPT_ENABLE, "ended"))
        return ended

    def _writes(self, m: Module) -> dict[Register, Signal]:
        """Address and data may come in any order; the answer follows when both are there.

        Returns what each register holds, or, of one that holds nothing, what is written to it in this clock, else 0.
        """
        have_address = Signal()
        have_data = Signal()
        value = Signal(REGISTER_BITS)
        whole = Signal()
        write = Signal()
        m.d.comb += [
            self.s_axi_awready.eq(~have_address),
            self.s_axi_wready.eq(~have_data),
            write.eq(have_address & have_data & ~self.s_axi_bvalid),
        ]
        with m.If(self.s_axi_wvalid & ~have_data):
            m.d.sync += [have_data.eq(1), value.eq(self.s_axi_wdata), whole.eq(self.s_axi_wstrb.all())]
        registers = [register for register in Register if register.access != Access.READ]
        written = {register: Signal(REGISTER_BITS, name=register.name.lower()) for register in registers}
        # Which register it is is found when the address comes, as a start goes far in the clock of its write.
        meant = Signal(len(registers))
        with m.If(self.s_axi_awvalid & ~have_address):
            m.d.sync += have_address.eq(1)
            m.d.sync += meant.eq(Cat(self.s_axi_awaddr == register for register in registers))
        with m.If(write):
            m.d.sync += [have_address.eq(0), have_data.eq(0), self.s_axi_bvalid.eq(1)]
            for is_meant, (register, word) in zip(meant, written.items(), strict=True):
                domain = m.d.sync if _keeps(register) else m.d.comb
                with m.If(whole & is_meant):
                    domain += word.eq(value & kept(register, self.machine))
        with m.Elif(self.s_axi_bready):
            m.d.sync += self.s_axi_bvalid.eq(0)
        return written

    def _reads(self, m: Module, held: dict[Register, Signal], ended: Value) -> None:
        """Any register is read as late as a counter, whose count comes some clocks after the question."""
        asked = Signal()
        left = Signal(range(READ_CLOCKS - 1))
        address = Signal(OFFSET_BITS)
        m.d.comb += [
            self.s_axi_arready.eq(~asked & ~self.s_axi_rvalid),
            self.top.counter_i.eq((address - COUNTERS_AT) >> 3),
        ]
        m.d.sync += left.eq(left - 1)
        with m.If(self.s_axi_arvalid & self.s_axi_arready):
            m.d.sync += [asked.eq(1), left.eq(READ_CLOCKS - 2), address.eq(self.s_axi_araddr)]
        with m.Elif(asked & (left == 0)):
            m.d.sync += [asked.eq(0), self.s_axi_rvalid.eq(1), self.s_axi_rdata.eq(0)]
            with m.Switch(address):
                for offsets, value in self._values(held, ended).items():
                    with m.Case(*offsets):
                        m.d.sync += self.s_axi_rdata.eq(value)
        with m.Elif(self.s_axi_rready):
            m.d.sync += self.s_axi_rvalid.eq(0)

    def _values(self, held: dict[Register, Signal], ended: Value) -> dict[tuple[int, ...], Value | int]:
        """What each readable register and counter holds, by offsets."""
        top = self.top
        status = {"busy": top.busy_o, "done": top.done_o, "error": top.error_o}
        values: dict[tuple[int, ...], Value | int] = {
            (Register.STATUS,): _word(Register.STATUS, status),
            (Register.INTERRUPT,): _word(Register.INTERRUPT, {"ended": ended}),
            tuple(counter.offset for counter in Counter): top.count_o[:REGISTER_BITS],
            tuple(counter.offset + 4 for counter in Counter): top.count_o[REGISTER_BITS:],
        }
        if self.machine.hw.outputs.gradients:
            values[Register.PEAK,] = _word(Register.PEAK, {"bits": top.bits_o})
            values[Register.CLIPS,] = top.clips_o
        for registers in (constants(self.machine), held):
            values |= {(int(register),): value for register, value in registers.items()}
        return values


def _keeps(register: Register) -> bool:
    return register.access == Access.READ_WRITE


def _field(register: Register, name: str) -> Field:
    (found,) = (field for field in register.fields if field.name == name)
    return found


def _bit(written: dict[Register, Signal], register: Register, name: str) -> Value:
    """A field of one bit."""
    return written[register][_field(register, name).first]


def _word(register: Register, values: dict[str, Value]) -> Value:
    """A register with these values in its fields, all of them."""
    word: Value = C(0, 0)
    for field in register.fields:
        word = Cat(word, C(0, field.first - len(word)), values[field.name])
    return word
