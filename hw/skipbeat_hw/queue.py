"""A queue between two streams."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Shape, Signal, unsigned
from amaranth.hdl import ShapeLike, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out


class Queue(wiring.Component):
    """Gives out what it takes, in order; an item is on `o` a clock after it was taken, if none is before it.

    One item per clock in and out. `i.ready` does not depend on `o.ready`: a full queue takes nothing.

    Parameters
    ----------
    shape: of an item. depth: items that it holds, at least 1. shown: so many of an item's lowest bits are in registers
    when it is on `o`, and not in a memory, and so is whether there is one, so that what depends on them is known
    earlier in the clock.

    Raises
    ------
    ValueError: the depth is less than 1, or more bits are shown than there are.
    """

    def __init__(self, shape: ShapeLike, *, depth: int, shown: int = 0) -> None:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth!r}")
        self.width, self.depth, self.shown = Shape.cast(shape).width, depth, shown
        if not 0 <= shown <= self.width:
            raise ValueError(f"shown must be 0 to {self.width} bits, not {shown!r}")
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFO(width=self.width - self.shown, depth=self.depth)
        offered = Value.cast(self.i.payload)
        some, head = self._shown(m, offered[: self.shown], fifo) if self.shown else (fifo.r_rdy, Cat())
        m.d.comb += [
            self.i.ready.eq(has_room(fifo)),
            fifo.w_en.eq(self.i.valid),
            fifo.w_data.eq(offered[self.shown :]),
            self.o.valid.eq(some),
            fifo.r_en.eq(self.o.ready),
            Value.cast(self.o.payload).eq(Cat(head, fifo.r_data)),
        ]
        return m

    def _shown(self, m: Module, offered: Value, fifo: SyncFIFO) -> tuple[Value, Value]:
        """Whether there is an item, and the lowest bits of the first one; those of the others lie in a memory, where
        the next one is read ahead."""
        m.submodules.behind = behind = memory.Memory(shape=unsigned(self.shown), depth=self.depth, init=[])
        write, read = behind.write_port(), behind.read_port(domain="comb")
        head = Signal(self.shown, reset_less=True)
        some = Signal()
        several = Signal()
        put, get = self.i.valid & self.i.ready, some & self.o.ready
        m.d.sync += [
            some.eq(put | several | (some & ~get)),
            several.eq(Mux(put, Mux(get, several, some), Mux(get, fifo.level > 2, several))),
        ]
        written = Signal(range(self.depth))
        following = Signal(range(self.depth), init=1 % self.depth)
        m.d.comb += [write.en.eq(put), write.addr.eq(written), write.data.eq(offered), read.addr.eq(following)]
        with m.If(write.en):
            m.d.sync += written.eq(_after(written, self.depth))
        with m.If(get):
            m.d.sync += following.eq(_after(following, self.depth))
        with m.If(~some | self.o.ready):
            m.d.sync += head.eq(Mux(several, read.data, offered))
        return some, head


def has_room(fifo: SyncFIFO) -> Value:
    """Its `w_rdy`; of a depth that is a power of two, this is one bit of a register."""
    return fifo.w_rdy if fifo.depth & (fifo.depth - 1) else ~fifo.level[-1]


def _after(place: Signal, depth: int) -> Value:
    """The next place of so many."""
    return Mux(place == depth - 1, 0, place + 1)
