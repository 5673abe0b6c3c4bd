"""A queue in block memory."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from .arguments import expect_power_of_two
from .memories import NO_COLLISION


class StoredQueue(wiring.Component):
    """Gives out what it takes, in order; an item is at the head 3 clocks after it was put in, if none is before it.

    One item per clock in and out. The head is a register behind the memory's own, so that nothing that depends on it
    waits for a memory. It takes whatever is put in: who puts must know that there is room.

    Parameters
    ----------
    width: bits of an item. depth: items that may be in it, a power of two.

    Members
    -------
    w_en, w_data: an item is put in. r_rdy, r_data: there is a head, and what it is. r_en: it is taken.

    Raises
    ------
    ValueError: the depth is no power of two.
    """

    def __init__(self, *, width: int, depth: int) -> None:
        expect_power_of_two("depth", depth)
        self.width, self.depth = width, depth
        super().__init__(
            {"w_en": In(1), "w_data": In(self.width), "r_en": In(1), "r_rdy": Out(1), "r_data": Out(self.width)}
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        kept = memory.Memory(shape=unsigned(self.width), depth=self.depth, init=[], attrs=NO_COLLISION)
        m.submodules.kept = kept
        write, read = kept.write_port(), kept.read_port()
        #: Items that were put in and not read; whether there are some is known beforehand.
        unread = Signal(range(self.depth + 1))
        some = Signal()
        #: What the memory gave is an item that has not become the head yet.
        ahead = Signal()
        moves = Signal()
        reads = Signal()
        head = Signal(self.width, reset_less=True)
        m.d.comb += [
            moves.eq(~self.r_rdy | self.r_en),
            reads.eq(some & (~ahead | moves)),
            write.en.eq(self.w_en),
            write.data.eq(self.w_data),
            read.en.eq(reads),
            self.r_data.eq(head),
        ]
        m.d.sync += [
            write.addr.eq(write.addr + self.w_en),
            # What is put in is known last: both sums are there before it.
            unread.eq(Mux(self.w_en, Mux(reads, unread, unread + 1), Mux(reads, unread - 1, unread))),
            some.eq(self.w_en | Mux(reads, unread > 1, some)),
            ahead.eq(reads | (ahead & ~moves)),
        ]
        with m.If(reads):
            m.d.sync += read.addr.eq(read.addr + 1)
        with m.If(moves):
            m.d.sync += [self.r_rdy.eq(ahead), head.eq(read.data)]
        return m
