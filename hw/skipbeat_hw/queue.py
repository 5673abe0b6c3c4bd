"""A queue between two streams."""

from __future__ import annotations

from amaranth import Module, Shape
from amaranth.hdl import ShapeLike
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out


class Queue(wiring.Component):
    """Gives out what it takes, in order; an item is on `o` a clock after it was taken, if none is before it.

    One item per clock in and out. `i.ready` does not depend on `o.ready`: a full queue takes nothing.

    Parameters
    ----------
    shape: of an item. depth: items that it holds, at least 1.

    Raises
    ------
    ValueError: the depth is less than 1.
    """

    def __init__(self, shape: ShapeLike, *, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth!r}")
        self.width, self.depth = Shape.cast(shape).width, depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFO(width=self.width, depth=self.depth)
        wiring.connect(m, wiring.flipped(self.i), fifo.w_stream)
        wiring.connect(m, fifo.r_stream, wiring.flipped(self.o))
        return m
