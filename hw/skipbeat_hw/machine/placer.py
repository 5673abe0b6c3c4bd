"""Where vectors go in the activation banks."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch import instruction as isa
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import LOCAL_BITS

from ..arguments import expect
from ..layouts import struct


class Placer(wiring.Component):
    """Follows the lines of a place: vector i goes to entry `to + (i // width)·pitch + i mod width`.

    Members
    -------
    place_i: held while its vectors come. valid_i: a vector; first_i, final_i: the first, the last one of the place.
    banks_o, entry_o: which banks take its bundles, and where; in the same clock.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        super().__init__(
            {
                "place_i": In(struct(isa.Placement.layout())),
                "valid_i": In(1),
                "first_i": In(1),
                "final_i": In(1),
                "banks_o": Out(machine.hw.array.rows),
                "entry_o": Out(LOCAL_BITS),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        place = self.place_i
        line = Signal(12)
        entry_next = Signal(LOCAL_BITS)
        row_next = Signal(LOCAL_BITS)
        row = Signal(LOCAL_BITS)
        line_ends = line + 1 == place.width
        m.d.comb += [
            self.entry_o.eq(Mux(self.first_i, place.to, entry_next)),
            row.eq(Mux(self.first_i, place.to, row_next)),
        ]
        with m.If(self.valid_i):
            m.d.sync += [
                line.eq(Mux(self.final_i | line_ends, 0, line + 1)),
                row_next.eq(Mux(line_ends, row + place.pitch, row)),
                entry_next.eq(Mux(line_ends, row + place.pitch, self.entry_o + 1)),
            ]
        # The same place in every period of 2**period banks.
        shift = self.machine.bundles.bit_length() - 1
        mask = (1 << place.period) - 1
        rows = range(self.machine.hw.array.rows)
        m.d.comb += self.banks_o.eq(Cat((((bank ^ place.bank) & mask) >> shift) == 0 for bank in rows))
        return m
