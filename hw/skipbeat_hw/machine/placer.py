"""Where vectors go in the activation banks."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch import instruction as isa
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import LOCAL_BITS

from ..arguments import expect
from ..layouts import struct


def banks_of(machine: Machine, place: data.View) -> Value:
    """Which banks take the bundles of a place's vectors: the same in every period of 2**period banks."""
    shift = machine.bundles.bit_length() - 1
    mask = Cat(place.period > bit for bit in range((1 << len(place.period)) - 1))  # 2**period - 1
    return Cat((((bank ^ place.bank) & mask) >> shift) == 0 for bank in range(machine.hw.array.rows))


class Placer(wiring.Component):
    """Follows the lines of a place: vector i goes to entry `to + (i // width)·pitch + i mod width`.

    Members
    -------
    place_i, single_i: held while its vectors come; `single_i`: its lines have one vector. valid_i: a vector; first_i,
    final_i: the first, the last one of the place. entry_o: where it goes; in the same clock.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        super().__init__(
            {
                "place_i": In(struct(isa.Placement.layout())),
                "single_i": In(1),
                "valid_i": In(1),
                "first_i": In(1),
                "final_i": In(1),
                "entry_o": Out(LOCAL_BITS),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        place = self.place_i
        # The place in its line, counted from 1, of the vector behind this one; 0 is beyond every line.
        behind = Signal(12, init=2)
        # Known a vector ahead: this one ends its line, if it is not the first.
        closes = Signal()
        entry_next = Signal(LOCAL_BITS)
        row_next = Signal(LOCAL_BITS)
        row = Signal(LOCAL_BITS)
        line_ends = Signal()
        m.d.comb += [
            self.entry_o.eq(Mux(self.first_i, place.to, entry_next)),
            row.eq(Mux(self.first_i, place.to, row_next)),
            line_ends.eq(Mux(self.first_i, self.single_i, closes)),
        ]
        with m.If(self.valid_i):
            m.d.sync += [
                behind.eq(Mux(self.final_i | line_ends, 2, behind + 1)),
                closes.eq(Mux(line_ends, self.single_i, behind.any() & (behind == place.width))),
                row_next.eq(Mux(line_ends, row + place.pitch, row)),
                entry_next.eq(Mux(line_ends, row + place.pitch, self.entry_o + 1)),
            ]
        return m
