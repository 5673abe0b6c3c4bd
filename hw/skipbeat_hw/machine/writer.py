"""The write master: a job's vectors from the output memory to AXI4 bursts."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.depths import WRITER_ROOM
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import CODE_BITS, COUNT_BITS, LOCAL_BITS, MachineError, bus_write_fields

from ..arguments import expect
from ..layouts import struct
from ..registered_fifo import RegisteredFifo
from .axi import INCR, Bursts, WriteSignature


class Writer(wiring.Component):
    """Writes one request at a time, all of whose data lies in the output memory: the bus never waits for data.

    One beat per clock once it flows; a request is done when all its responses are there. Addresses and data do not wait
    for each other: AXI4 lets a slave wait for either before it takes the other.

    Members
    -------
    requests: stream of {address, count, start}. read_address_o, read_data_i: the output memory, one clock later.
    bus: AXI4 write channels. done_o: the request is done. quiet_o: no request. error_o: WRITE_FAILED.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        super().__init__(
            {
                "requests": In(stream.Signature(struct(bus_write_fields(machine)))),
                "read_address_o": Out(LOCAL_BITS),
                "read_data_i": In(8 * machine.vector),
                "bus": Out(WriteSignature(data_bits=8 * machine.beat_bytes, address_bits=machine.counted_bits)),
                "done_o": Out(1),
                "quiet_o": Out(1),
                "error_o": Out(CODE_BITS),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        active = Signal()
        announcing = Signal()
        sending = Signal()
        unanswered = Signal(COUNT_BITS)
        silent = Signal(init=1)
        accepted = Signal()
        m.d.comb += [
            self.requests.ready.eq(~active),
            self.quiet_o.eq(~active),
            accepted.eq(self.requests.valid & ~active),
            self.done_o.eq(active & ~announcing & ~sending & silent),
        ]
        with m.If(accepted):
            m.d.sync += active.eq(1)
        with m.Elif(self.done_o):
            m.d.sync += active.eq(0)
        announced = self._addresses(m, accepted, announcing)
        self._data(m, accepted, active, sending)
        answered = Signal()
        m.d.comb += [self.bus.bready.eq(1), answered.eq(self.bus.bvalid)]
        with m.If(announced & ~answered):
            m.d.sync += [unanswered.eq(unanswered + 1), silent.eq(0)]
        with m.Elif(answered & ~announced):
            m.d.sync += [unanswered.eq(unanswered - 1), silent.eq(unanswered == 1)]
        with m.If(answered & self.bus.bresp[1]):
            m.d.comb += self.error_o.eq(MachineError.WRITE_FAILED)
        return m

    def _addresses(self, m: Module, accepted: Signal, announcing: Signal) -> Signal:
        """The address channel; returns whether a burst is announced in this clock."""
        bursts = Bursts(self.machine)
        announced = Signal()
        m.d.comb += [
            self.bus.awvalid.eq(announcing),
            self.bus.awaddr.eq(bursts.address),
            self.bus.awlen.eq(bursts.length),
            self.bus.awsize.eq(self.machine.beat_bytes.bit_length() - 1),
            self.bus.awburst.eq(INCR),
            announced.eq(self.bus.awvalid & self.bus.awready),
        ]
        request = self.requests.payload
        bursts.follow(m, accepted, bursts.of(m, request.address, request.count), announced)
        with m.If(accepted):
            m.d.sync += announcing.eq(1)
        with m.Elif(announced & bursts.last):
            m.d.sync += announcing.eq(0)
        return announced

    def _data(self, m: Module, accepted: Signal, active: Signal, sending: Signal) -> None:
        """The data channel: the output memory is read ahead by as much as the FIFO holds."""
        beats, shift = self.machine.burst_beats, self.machine.beat_bytes.bit_length() - 1
        parts, bits = self.machine.vector_beats, 8 * self.machine.beat_bytes
        m.submodules.data = data = RegisteredFifo(width=8 * self.machine.vector, depth=WRITER_ROOM)
        read_at = Signal(LOCAL_BITS)
        to_read = Signal(COUNT_BITS)
        reads = Signal()
        owed = Signal(range(parts << COUNT_BITS))
        ending = Signal()
        popped = Signal()
        room = Signal(range(WRITER_ROOM + 1), init=WRITER_ROOM)
        reading = Signal()
        fetch = Signal()
        moved = Signal()
        m.d.comb += [
            fetch.eq(reads & (room != 0)),
            self.read_address_o.eq(read_at),
            data.w_en.eq(reading),
            data.w_data.eq(self.read_data_i),
            self.bus.wvalid.eq(data.r_rdy),
            self.bus.wstrb.eq(-1),
            moved.eq(self.bus.wvalid & self.bus.wready),
            data.r_en.eq(popped),
        ]
        if parts == 1:
            m.d.comb += [self.bus.wdata.eq(data.r_data), popped.eq(moved)]
        else:
            # A request's beats are whole vectors, so it leaves the count at 0 again.
            part = Signal(range(parts))
            m.d.sync += part.eq(part + moved)
            m.d.comb += [self.bus.wdata.eq(data.r_data.word_select(part, bits)), popped.eq(moved & part.all())]
        m.d.sync += [reading.eq(fetch), room.eq(room - fetch + popped)]
        request = self.requests.payload
        with m.If(accepted):
            m.d.sync += [read_at.eq(request.start), to_read.eq(request.count), reads.eq(1)]
        with m.Elif(fetch):
            m.d.sync += [read_at.eq(read_at + 1), to_read.eq(to_read - 1), reads.eq(to_read != 1)]
        with m.If(accepted):
            m.d.sync += [owed.eq(request.count * parts), sending.eq(1), ending.eq(request.count * parts == 1)]
        with m.Elif(moved):
            m.d.sync += [owed.eq(owed - 1), sending.eq(~ending), ending.eq(owed == 2)]
        if beats == 1:
            m.d.comb += self.bus.wlast.eq(1)
        else:
            position = Signal(range(beats))
            m.d.sync += position.eq(Mux(accepted, request.address >> shift, position + moved))
            m.d.comb += self.bus.wlast.eq((position == beats - 1) | ending)
