"""The weight reader: tiles out of the weight buffer, with the mark on each last word."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.depths import WEIGHT_ROOM
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import COUNT_BITS, LOCAL_BITS, TILE_READ
from skipbeat_arch.ports import weight_fields

from ..arguments import expect
from ..layouts import struct
from ..registered_fifo import RegisteredFifo


class WeightReader(wiring.Component):
    """One word per clock, tile after tile; a word leaves 2 clocks after it was addressed at the earliest.

    Members
    -------
    tiles: stream of {address, words}. address_o, enable_o, data_i: the buffer's read port, data one clock later.
    weights: the core's stream of {data, last}.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        super().__init__(
            {
                "tiles": In(stream.Signature(struct(TILE_READ))),
                "address_o": Out(LOCAL_BITS),
                "enable_o": Out(1),
                "data_i": In(8 * machine.vector),
                "weights": Out(stream.Signature(struct(weight_fields(machine.hw)))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        word = struct(weight_fields(self.machine.hw))
        m.submodules.words = words = RegisteredFifo(width=word.size, depth=WEIGHT_ROOM)
        left = Signal(COUNT_BITS)
        # Known a clock ahead: there are some, there is one.
        some = Signal()
        one = Signal()
        room = Signal(range(WEIGHT_ROOM + 1), init=WEIGHT_ROOM)
        address = Signal(LOCAL_BITS)
        reading = Signal()
        reading_last = Signal()
        read = Signal()
        moved = Signal()
        pushed = word(words.w_data)
        m.d.comb += [
            read.eq(some & (room != 0)),
            self.address_o.eq(address),
            self.enable_o.eq(read),
            self.tiles.ready.eq(~some | (read & one)),
            words.w_en.eq(reading),
            pushed.data.eq(self.data_i),
            pushed.last.eq(reading_last),
            self.weights.payload.eq(words.r_data),
            self.weights.valid.eq(words.r_rdy),
            words.r_en.eq(self.weights.ready),
            moved.eq(self.weights.valid & self.weights.ready),
        ]
        m.d.sync += [reading.eq(read), reading_last.eq(one), room.eq(room - read + moved)]
        with m.If(self.tiles.valid & self.tiles.ready):
            words_left = self.tiles.payload.words
            m.d.sync += [address.eq(self.tiles.payload.address), left.eq(words_left)]
            m.d.sync += [some.eq(words_left != 0), one.eq(words_left == 1)]
        with m.Elif(read):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1), some.eq(~one), one.eq(left == 2)]
        return m
