"""A FIFO in registers."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib.fifo import SyncFIFO

from .arguments import expect_power_of_two


class ShiftFifo(SyncFIFO):
    """Amaranth's SyncFIFO in all that it shows, but its items lie in registers and move up, the head in the first.

    For few bits: nothing that depends on the head waits for a memory.

    Parameters
    ----------
    width: bits of an item. depth: items that it holds, a power of two.

    Raises
    ------
    ValueError: the depth is no power of two.
    """

    def __init__(self, *, width: int, depth: int) -> None:
        expect_power_of_two("depth", depth)
        super().__init__(width=width, depth=depth)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        items = [Signal(self.width, name=f"item_{i}") for i in range(self.depth)]
        put, get = self.w_en & self.w_rdy, self.r_en & self.r_rdy
        free = Signal.like(self.level)
        m.d.comb += [
            self.w_rdy.eq(~self.level[-1]),
            self.r_rdy.eq(self.level != 0),
            self.w_level.eq(self.level),
            self.r_level.eq(self.level),
            self.r_data.eq(items[0]),
            free.eq(self.level - get),
        ]
        # What is put in is known last: both sums are there before it.
        m.d.sync += self.level.eq(Mux(put, free + 1, free))
        for place, (item, behind) in enumerate(zip(items, [*items[1:], items[-1]], strict=True)):
            # What is beyond the last item is nothing: it may be written whether something is put in or not.
            with m.If(free == place):
                m.d.sync += item.eq(self.w_data)
            with m.Elif(get):
                m.d.sync += item.eq(behind)
        return m
