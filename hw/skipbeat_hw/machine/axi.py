"""AXI4 and AXI4-Lite channels as Amaranth signatures, from the master's side."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import COUNT_BITS

#: Incrementing bursts.
INCR = 1
#: Bits and value of what is the same in every burst: no exclusive access; memory that is modifiable and bufferable, but
#: not cached; data, secure, unprivileged; no priority.
CONSTANTS = {"id": (1, 0), "lock": (1, 0), "cache": (4, 3), "prot": (3, 0), "qos": (4, 0)}


class ReadSignature(wiring.Signature):
    """Read address and read data of an AXI4 master; one ID, so data comes in the order of the addresses."""

    def __init__(self, *, data_bits: int, address_bits: int) -> None:
        super().__init__(
            {
                "arvalid": Out(1),
                "arready": In(1),
                "araddr": Out(address_bits),
                "arlen": Out(8),
                "arsize": Out(3),
                "arburst": Out(2),
                "rvalid": In(1),
                "rready": Out(1),
                "rdata": In(data_bits),
                "rresp": In(2),
                "rlast": In(1),
            }
        )


class WriteSignature(wiring.Signature):
    """Write address, write data and response of an AXI4 master."""

    def __init__(self, *, data_bits: int, address_bits: int) -> None:
        super().__init__(
            {
                "awvalid": Out(1),
                "awready": In(1),
                "awaddr": Out(address_bits),
                "awlen": Out(8),
                "awsize": Out(3),
                "awburst": Out(2),
                "wvalid": Out(1),
                "wready": In(1),
                "wdata": Out(data_bits),
                "wstrb": Out(data_bits // 8),
                "wlast": Out(1),
                "bvalid": In(1),
                "bready": Out(1),
                "bresp": In(2),
            }
        )


class LiteSignature(wiring.Signature):
    """AXI4-Lite, 32 bits, from the master's side."""

    def __init__(self, *, address_bits: int) -> None:
        super().__init__(
            {
                "awvalid": Out(1),
                "awready": In(1),
                "awaddr": Out(address_bits),
                "awprot": Out(3),
                "wvalid": Out(1),
                "wready": In(1),
                "wdata": Out(32),
                "wstrb": Out(4),
                "bvalid": In(1),
                "bready": Out(1),
                "bresp": In(2),
                "arvalid": Out(1),
                "arready": In(1),
                "araddr": Out(address_bits),
                "arprot": Out(3),
                "rvalid": In(1),
                "rready": Out(1),
                "rdata": In(32),
                "rresp": In(2),
            }
        )


class Bursts:
    """A request as aligned bursts: registers in which all is known beforehand that an address channel says.

    Bursts end at multiples of BL beats, which divide 4096 bytes, so none crosses 4 KiB; all but the first begin at one.

    Attributes:
        layout: of a request as bursts: where it begins, the bursts that follow the first, and one more if its last beat
            is that of a `full` one, and the place of that beat.
        address: where the burst begins. length: its beats less one. last: no other follows it.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._shift, self._bits = machine.beat_bytes.bit_length() - 1, machine.burst_beats.bit_length() - 1
        more = (machine.vector_beats << COUNT_BITS) - 1
        fields = {"address": machine.counted_bits, "more": more.bit_length(), "end": self._bits, "full": 1}
        self.layout = data.StructLayout(fields)
        self.address = Signal(machine.counted_bits)
        self.length = Signal(8)
        self.last = Signal()

    def within(self, address: Value) -> Value:
        """Beats from a multiple of BL beats to an address."""
        return address[self._shift : self._shift + self._bits]

    def of(self, m: Module, address: Value, count: Value) -> data.View:
        """A request of `count` vectors as bursts, in the `layout`."""
        request = Signal(self.layout)
        # Where the beat behind the request lies, in beats from where its first burst might have begun.
        behind = Signal(len(request.more) + self._bits)
        ends = behind[: self._bits]
        m.d.comb += [
            behind.eq(count * self._machine.vector_beats + self.within(address)),
            request.eq(Cat(address, behind[self._bits :], (ends - 1)[: self._bits], ~ends.any())),
        ]
        return request

    def follow(self, m: Module, begins: Value, request: data.View, sent: Value) -> None:
        """A request of the `layout` begins; a burst is sent, in the same clock only if it is the last one."""
        more = Signal.like(request.more)
        full = Signal()
        m.d.comb += self.last.eq(more == full)
        with m.If(begins):
            m.d.sync += [self.address.eq(request.address), more.eq(request.more), full.eq(request.full)]
        with m.Elif(sent):
            zeros = Const(0, self._shift + self._bits)
            m.d.sync += [self.address.eq(Cat(zeros, self.address[len(zeros) :] + 1)), more.eq(more - 1)]
        if self._bits:
            end = Signal(self._bits)
            with m.If(begins):
                m.d.sync += end.eq(request.end)
            longest = self._machine.burst_beats
            m.d.comb += self.length.eq(Mux(self.last, end, longest - 1) - self.within(self.address))
