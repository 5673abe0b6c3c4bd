"""Stochastic rounding of sums: what a gradient is stored with."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.training.jobs import rounding_fields
from skipbeat_arch.training.lfsr import DRAW_BITS
from skipbeat_arch.training.ranks import LARGEST
from skipbeat_arch.training.rounding import MOST_SHIFT, SUM_BITS

from ..layouts import struct
from .draws import Draws

#: Of a sum and what is added to it.
_BITS = SUM_BITS + 1


class Rounding(wiring.Component):
    """`clamp((sum + r) >> shift, -127, 127)`, a sum per lane and clock, r being random (`skipbeat_arch.training`).

    Bytes are on `o` 3 clocks after their sums were taken. `i.ready` follows `o.ready` in the same clock.

    Parameters
    ----------
    lanes: sums of an item.

    Members
    -------
    job_i: `rounding_fields`, the same while sums are inside; a shift above 32 is 32. begin_i: the generators begin at
    its seed; no sum is taken in this clock. i: stream of sums. o: stream of {value, clipped} for each lane.

    Raises
    ------
    ValueError: no lanes.
    """

    def __init__(self, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"expected at least one lane, not {lanes!r}")
        self.lanes = lanes
        byte = data.StructLayout({"value": signed(8), "clipped": 1})
        super().__init__(
            {
                "job_i": In(struct(rounding_fields())),
                "begin_i": In(1),
                "i": In(stream.Signature(data.ArrayLayout(signed(SUM_BITS), lanes))),
                "o": Out(stream.Signature(data.ArrayLayout(byte, lanes))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        there = Signal(3)
        advance = Signal()
        m.submodules.draws = draws = Draws(self.lanes)
        m.d.comb += [
            advance.eq(~there[-1] | self.o.ready),
            self.i.ready.eq(advance & ~self.begin_i),
            self.o.valid.eq(there[-1]),
            draws.seed_i.eq(self.job_i.seed),
            draws.begin_i.eq(self.begin_i),
            draws.next_i.eq(self.i.valid & self.i.ready),
        ]
        with m.If(advance):
            m.d.sync += there.eq(Cat(self.i.valid & self.i.ready, there[:-1]))
            for lane in range(self.lanes):
                self._round(m, self.i.payload[lane], draws.draws_o[lane], self.o.payload[lane])
        return m

    def _round(self, m: Module, total: Signal, draw: Signal, byte: data.View) -> None:
        """One lane: what is added, the shifted sum, the clamp."""
        shift = Signal(range(MOST_SHIFT + 1))
        m.d.comb += shift.eq(Mux(self.job_i.shift > MOST_SHIFT, MOST_SHIFT, self.job_i.shift))
        added, shifted = Signal(signed(_BITS), reset_less=True), Signal(signed(_BITS), reset_less=True)
        # the draw stands to the left of the point: its high `shift` bits are what the shift will drop
        m.d.sync += [
            added.eq(total + (draw << shift)[DRAW_BITS:]),
            shifted.eq(added >> shift),
            byte.value.eq(Mux(shifted > LARGEST, LARGEST, Mux(shifted < -LARGEST, -LARGEST, shifted))),
            byte.clipped.eq((shifted > LARGEST) | (shifted < -LARGEST)),
        ]
