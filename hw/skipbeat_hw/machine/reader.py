"""The read master: requests in, AXI4 bursts out, vectors back in order."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from skipbeat_arch.depths import READER_QUEUE
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import CODE_BITS, COUNT_BITS, MachineError, beat_fields, bus_read_fields

from ..arguments import expect
from ..layouts import struct
from ..queue import has_room
from .axi import INCR, Bursts, ReadSignature


class Reader(wiring.Component):
    """Splits requests into aligned bursts and never makes the bus wait: whoever requests has room for all of it.

    One burst address per clock, one beat per clock; `beat_o` is a clock behind the last beat of a vector. A request is
    taken while the one before it is still announced, so that `requests.ready` comes from registers.

    Members
    -------
    requests: stream of {address, count}, V-aligned. bus: AXI4 read channels. beat_o: {valid, data, final}.
    quiet_o: nothing is requested or awaited. error_o: READ_FAILED in the clock of a bad response.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        super().__init__(
            {
                "requests": In(stream.Signature(struct(bus_read_fields(machine)))),
                "bus": Out(ReadSignature(data_bits=8 * machine.beat_bytes, address_bits=machine.counted_bits)),
                "beat_o": Out(struct(beat_fields(machine))),
                "quiet_o": Out(1),
                "error_o": Out(CODE_BITS),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.returns = returns = SyncFIFO(width=COUNT_BITS, depth=READER_QUEUE)
        active = Signal()
        outstanding = Signal(range(self.machine.hw.memory.outstanding + 1))
        self._addresses(m, returns, active, outstanding)
        self._data(m, returns)
        m.d.comb += self.quiet_o.eq(~active & (outstanding == 0))
        with m.If(self.bus.rvalid & self.bus.rresp[1]):
            m.d.comb += self.error_o.eq(MachineError.READ_FAILED)
        return m

    def _addresses(self, m: Module, returns: SyncFIFO, active: Signal, outstanding: Signal) -> None:
        """The address channel; notes what will return."""
        bursts = Bursts(self.machine)
        request = bursts.of(m, self.requests.payload.address, self.requests.payload.count)
        # The request behind the one that is announced.
        waiting = Signal(bursts.layout)
        waits = Signal()
        accepted = Signal()
        free = Signal()
        sent = Signal()
        may_send = self._count(m, outstanding, sent)
        m.d.comb += [
            self.bus.arvalid.eq(active & may_send),
            self.bus.araddr.eq(bursts.address),
            self.bus.arlen.eq(bursts.length),
            self.bus.arsize.eq(self.machine.beat_bytes.bit_length() - 1),
            self.bus.arburst.eq(INCR),
            sent.eq(self.bus.arvalid & self.bus.arready),
            free.eq(~active | (sent & bursts.last)),
            self.requests.ready.eq(~waits & has_room(returns)),
            accepted.eq(self.requests.valid & self.requests.ready),
            returns.w_en.eq(accepted),
            returns.w_data.eq(self.requests.payload.count),
        ]
        following = bursts.layout(Mux(waits, waiting.as_value(), request.as_value()))
        bursts.follow(m, free, following, sent)
        with m.If(~waits):
            m.d.sync += waiting.eq(request)
        with m.If(free):
            m.d.sync += [active.eq(waits | accepted), waits.eq(0)]
        with m.Elif(accepted):
            m.d.sync += waits.eq(1)

    def _count(self, m: Module, outstanding: Signal, sent: Signal) -> Signal:
        """Counts the bursts under way; whether another may be announced, which is known a clock ahead."""
        most = self.machine.hw.memory.outstanding
        may_send = Signal(init=1)
        ended = self.bus.rvalid & self.bus.rlast
        m.d.sync += [
            outstanding.eq(outstanding + sent - ended),
            may_send.eq(ended | Mux(sent, outstanding != most - 1, outstanding != most)),
        ]
        return may_send

    def _data(self, m: Module, returns: SyncFIFO) -> None:
        """The data channel: beats become vectors, and vectors the returns of requests."""
        number = Signal(COUNT_BITS, init=1)
        whole = Signal()
        final = Signal()
        m.d.comb += [self.bus.rready.eq(1), final.eq(number == returns.r_data), returns.r_en.eq(whole & final)]
        with m.If(whole):
            m.d.sync += number.eq(Mux(final, 1, number + 1))
        vector = self._vector(m, whole)
        m.d.sync += [self.beat_o.valid.eq(whole), self.beat_o.data.eq(vector), self.beat_o.final.eq(final)]

    def _vector(self, m: Module, whole: Signal) -> Value:
        """The vector that is whole with this beat."""
        arrived, parts, bits = self.bus.rvalid, self.machine.vector_beats, 8 * self.machine.beat_bytes
        if parts == 1:
            m.d.comb += whole.eq(arrived)
            return self.bus.rdata
        part = Signal(range(parts))
        earlier = Signal((parts - 1) * bits)
        vector = Cat(earlier, self.bus.rdata)
        m.d.comb += whole.eq(arrived & (part == parts - 1))
        with m.If(arrived):
            m.d.sync += [part.eq(part + 1), earlier.eq(vector[bits:])]
        return vector
