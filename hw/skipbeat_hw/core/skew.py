"""Skew: lane i is i clocks late, the wavefront that a systolic array expects at its edge."""

from __future__ import annotations

from amaranth import Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class Skew(wiring.Component):
    """Delays lane i of `i` by i clocks; lane 0 passes through combinationally. Never stalls; no reset.

    Parameters
    ----------
    width: bits of a lane. lanes: how many.
    """

    def __init__(self, *, width: int, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"lanes must be at least 1, not {lanes!r}")
        self.width, self.lanes = width, lanes
        layout = data.ArrayLayout(unsigned(width), lanes)
        super().__init__({"i": In(layout), "o": Out(layout)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        for lane in range(self.lanes):
            value = self.i[lane]
            for clock in range(lane):
                later = Signal(self.width, name=f"lane{lane}_{clock + 1}", reset_less=True)
                m.d.sync += later.eq(value)
                value = later
            m.d.comb += self.o[lane].eq(value)
        return m
