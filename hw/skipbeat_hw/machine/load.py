"""The load engine: from memory into the on-chip buffers."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import LOAD_QUEUE
from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.instruction import INSTRUCTION_BITS
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import LOCAL_BITS, REQUEST, bank_write_fields, beat_fields, memory_write_fields

from ..arguments import expect
from ..layouts import struct
from ..queue import has_room
from .placer import Placer, banks_of

#: Memories that are written vector by vector, in the order of the enables.
MEMORIES = (Kind.WEIGHTS, Kind.PARAMETERS, Kind.RESIDUAL, Kind.TABLE)


def route_layout(machine: Machine) -> data.StructLayout:
    """A LOAD with what waits for it: the banks that it writes, and whether its lines have one vector."""
    return data.StructLayout({"load": struct(isa.Load.full_layout()), "banks": machine.hw.array.rows, "single": 1})


class LoadEngine(wiring.Component):
    """Requests go out as fast as tokens and the reader allow; what comes back is written where its LOAD says.

    One vector per clock. A ZERO waits until everything before it has come back, and writes all banks at one entry per
    clock. Signals are given a clock after the last vector came, when it enters its memory.

    Members
    -------
    instructions: stream of LOAD and ZERO. some_i: tokens from execute and store. requests, beat_i: to and from the
    reader. bank_write_o, memory_write_o: writes. take_o, give_o: tokens from and to execute and store.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        super().__init__(
            {
                "instructions": In(stream.Signature(INSTRUCTION_BITS)),
                "some_i": In(2),
                "halt_i": In(1),
                "requests": Out(stream.Signature(struct(REQUEST))),
                "beat_i": In(struct(beat_fields(machine))),
                "bank_write_o": Out(struct(bank_write_fields(machine))),
                "memory_write_o": Out(struct(memory_write_fields(machine))),
                "take_o": Out(2),
                "give_o": Out(2),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        loads, zeros = struct(isa.Load.full_layout()), struct(isa.Zero.full_layout())
        route = route_layout(self.machine)
        m.submodules.routes = routes = SyncFIFO(width=route.size, depth=LOAD_QUEUE)
        load = loads(self.instructions.payload[: loads.size])
        zero = zeros(self.instructions.payload[: zeros.size])
        zeroing = Signal()
        # The same for what is written, as much waits for it.
        zeros_come = Signal()
        zero_left = Signal(16)
        zero_at = Signal(LOCAL_BITS)
        may_begin = Signal()
        begin_load = Signal()
        begin_zero = Signal()
        zero_done = Signal()
        is_zero = load.opcode == Opcode.ZERO
        m.d.comb += [
            may_begin.eq(self.instructions.valid & ~zeroing & ~self.halt_i & ((load.wait & ~self.some_i) == 0)),
            self.requests.valid.eq(may_begin & ~is_zero & has_room(routes)),
            self.requests.payload.address.eq(load.source),
            self.requests.payload.count.eq(load.count),
            begin_load.eq(self.requests.valid & self.requests.ready),
            begin_zero.eq(may_begin & is_zero & ~routes.r_rdy),
            zero_done.eq(zeroing & (zero_left == 1)),
            routes.w_en.eq(begin_load),
            route(routes.w_data).load.eq(load),
            route(routes.w_data).banks.eq(Mux(load.kind == Kind.ACTIVATIONS, banks_of(self.machine, load), 0)),
            route(routes.w_data).single.eq(load.width == 1),
            self.take_o.eq(Mux(begin_load | begin_zero, load.wait, 0)),
            self.instructions.ready.eq(begin_load | zero_done),
        ]
        with m.If(begin_zero):
            m.d.sync += [zeroing.eq(1), zero_left.eq(zero.count), zero_at.eq(zero.to)]
        with m.Elif(zeroing):
            m.d.sync += [zero_left.eq(zero_left - 1), zero_at.eq(zero_at + 1), zeroing.eq(~zero_done)]
        m.d.sync += zeros_come.eq(begin_zero | (zeroing & ~zero_done))
        loaded = self._write(m, routes, zeros_come, zero_at)
        m.d.sync += self.give_o.eq(loaded | Mux(zero_done, zero.signal, 0))
        return m

    def _write(self, m: Module, routes: SyncFIFO, zeroing: Signal, zero_at: Signal) -> Value:
        """Writes the vector that arrives; returns the signals of the LOAD that it completes."""
        head = route_layout(self.machine)(routes.r_data)
        route, beat = head.load, self.beat_i
        index = Signal(16)
        first = Signal(init=1)
        m.submodules.placer = placer = Placer(self.machine)
        m.d.comb += [
            *(placer.place_i[name].eq(route[name]) for name, _ in isa.Placement.layout()),
            placer.single_i.eq(head.single),
            placer.valid_i.eq(beat.valid),
            placer.first_i.eq(first),
            placer.final_i.eq(beat.final),
            routes.r_en.eq(beat.valid & beat.final),
            self.bank_write_o.data.eq(Mux(zeroing, 0, beat.data)),
            self.bank_write_o.address.eq(Mux(zeroing, zero_at, placer.entry_o)),
            self.memory_write_o.data.eq(beat.data),
            self.memory_write_o.address.eq(route.to + index),
        ]
        with m.If(beat.valid):
            m.d.sync += [index.eq(Mux(beat.final, 0, index + 1)), first.eq(beat.final)]
        with m.If(zeroing):
            m.d.comb += self.bank_write_o.enable.eq(-1)
        with m.Elif(beat.valid):
            m.d.comb += self.bank_write_o.enable.eq(head.banks)
        for position, kind in enumerate(MEMORIES):
            m.d.comb += self.memory_write_o.enable[position].eq(beat.valid & (route.kind == kind))
        return Mux(beat.valid & beat.final, route.signal, 0)
