"""A FIFO behind a block memory."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, unsigned
from amaranth.lib import memory
from amaranth.lib.fifo import SyncFIFO

from .arguments import expect_power_of_two


class RegisteredFifo(SyncFIFO):
    """Amaranth's SyncFIFO in all that it shows, but what is put in comes straight into a register.

    A block memory gives its data late in the clock, and a FIFO's own memory may lie far from it. An item is in the
    register for a clock, in which it may be the head, and then in the memory.

    Parameters
    ----------
    width: bits of an item. depth: items that it holds, a power of two.

    Raises
    ------
    ValueError: the depth is no power of two.
    """

    def __init__(self, *, width: int, depth: int) -> None:
        expect_power_of_two("depth", depth, least=2)
        super().__init__(width=width, depth=depth)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.kept = kept = memory.Memory(shape=unsigned(self.width), depth=self.depth, init=[])
        write, read = kept.write_port(), kept.read_port(domain="comb")
        newest = Signal(self.width, reset_less=True)
        #: The register's item is not in the memory yet.
        fresh = Signal()
        #: The head is in the memory.
        stored = Signal()
        put, get = self.w_en & self.w_rdy, self.r_en & self.r_rdy
        m.d.comb += [
            self.w_rdy.eq(~self.level[-1]),
            self.r_rdy.eq(self.level != 0),
            self.w_level.eq(self.level),
            self.r_level.eq(self.level),
            write.en.eq(fresh),
            write.data.eq(newest),
            self.r_data.eq(Mux(stored, read.data, newest)),
        ]
        m.d.sync += [
            self.level.eq(self.level + put - get),
            newest.eq(self.w_data),
            fresh.eq(put),
            stored.eq(Mux(get, self.level > 1, self.r_rdy)),
            write.addr.eq(write.addr + fresh),
            read.addr.eq(read.addr + get),
        ]
        return m
