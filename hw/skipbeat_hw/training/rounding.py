"""Stochastic rounding of sums: what a gradient is stored with."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.training.jobs import ROUNDING_LATENCY, rounding_fields
from skipbeat_arch.training.lfsr import DRAW_BITS
from skipbeat_arch.training.ranks import LARGEST
from skipbeat_arch.training.rounding import MOST_SHIFT, SUM_BITS

from ..layouts import struct
from .draws import Draws

#: Bits that hold every byte and, beyond both ends, a number that is clamped too.
KEPT = 9


class Rounding(wiring.Component):
    """`clamp((sum + r) >> shift, -127, 127)`, a sum per lane and clock, r being random (`skipbeat_arch.training`).

    Bytes are on `o` 4 clocks after their sums were taken. `i.ready` follows `o.ready` in the same clock.

    Parameters
    ----------
    lanes: sums of an item.

    Members
    -------
    job_i: `rounding_fields`, the same while sums are inside; a shift above 32 is 32. begin_i: the generators begin at
    its seed, from the first sum of this clock on. i: stream of sums. o: stream of {value, clipped} for each lane.

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
        there = Signal(ROUNDING_LATENCY)
        advance = Signal()
        shift = Signal(range(MOST_SHIFT + 1))
        m.submodules.draws = draws = Draws(self.lanes)
        m.d.comb += [
            advance.eq(~there[-1] | self.o.ready),
            self.i.ready.eq(advance),
            self.o.valid.eq(there[-1]),
            shift.eq(Mux(self.job_i.shift > MOST_SHIFT, MOST_SHIFT, self.job_i.shift)),
            draws.seed_i.eq(self.job_i.seed),
            draws.begin_i.eq(self.begin_i),
            draws.next_i.eq(advance & there[1]),
        ]
        with m.If(advance):
            m.d.sync += there.eq(Cat(self.i.valid, there[:-1]))
            for lane in range(self.lanes):
                self._round(m, self.i.payload[lane], shift, draws.draws_o[lane], self.o.payload[lane])
        return m

    def _round(self, m: Module, total: Value, shift: Signal, draw: Value, byte: data.View) -> None:
        """One lane: the shift in two clocks, what it drops plus the draw, the clamp.

        Of what the shift leaves, no more bits are kept than the rest of it can bring down; that there were others than
        the sign is noted.
        """
        most = len(shift) - 1
        fraction: Value = Mux(shift[most], total[:DRAW_BITS], 0)
        whole: Value = Mux(shift[most], total >> DRAW_BITS, total)
        large: Value = Const(0)
        for place in reversed(range(most)):
            by = 1 << place
            fraction = Mux(shift[place], Cat(fraction[by:], whole[:by]), fraction)
            shifted, kept = Mux(shift[place], whole >> by, whole), KEPT + by - 1
            large = large | ((shifted >> (kept - 1)) != shifted[-1].replicate(len(shifted)).as_signed())
            whole = shifted[:kept].as_signed()
            if place in (3, 0):
                fraction, whole, large = (_register(m, each) for each in (fraction, whole, large))
        negative = _register(m, _register(m, _register(m, total[-1])))
        rounded = _register(m, (Cat(fraction, whole).as_signed() + draw)[DRAW_BITS:].as_signed())
        beyond = _register(m, large) | (rounded > LARGEST) | (rounded < -LARGEST)
        m.d.sync += [byte.value.eq(Mux(beyond, Mux(negative, -LARGEST, LARGEST), rounded)), byte.clipped.eq(beyond)]


def _register(m: Module, value: Value) -> Signal:
    """A value one clock later."""
    later = Signal(value.shape(), name="later", reset_less=True)
    m.d.sync += later.eq(value)
    return later
