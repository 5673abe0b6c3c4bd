"""The base of a run: where in the system's memory the addresses of a program begin."""

from __future__ import annotations

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.machine import PAGE_BITS, PROGRAM_PAGE_BITS, Machine
from skipbeat_arch.machine_ports import ADDRESS_BITS

from ..arguments import expect


class Base(wiring.Component):
    """Adds a base, a whole number of pages of 4 KiB, to what is requested, and to nothing that is announced.

    A request gets the lower half of the sum and its carry, with which the masters count on; a burst's address gets the
    upper half: that of the base, or the one after it. So no adder is behind a master, and none is wider than 20 bits.
    The sum is mod 2^`memory.address_bits`. A request's address begins at a multiple of V, whatever its lowest bits are.

    Members
    -------
    take_i: the base is `page_i` pages from the next clock on.
    read_i, write_i: a request's address; read_o, write_o: the same for the master, in the same clock.
    reads_i, writes_i: a burst's address, of the master; reads_o, writes_o: the same on the bus, in the same clock.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        counted, whole = machine.counted_bits, machine.hw.memory.address_bits
        members = {"take_i": In(1), "page_i": In(machine.page_bits)}
        for name in ("read", "write"):
            members |= {f"{name}_i": In(ADDRESS_BITS), f"{name}_o": Out(counted)}
            members |= {f"{name}s_i": In(counted), f"{name}s_o": Out(whole)}
        super().__init__(members)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        page = Signal(self.machine.page_bits)
        with m.If(self.take_i):
            m.d.sync += page.eq(self.page_i)
        m.d.comb += [self.read_o.eq(self._sum(self.read_i, page)), self.write_o.eq(self._sum(self.write_i, page))]
        self._announce(m, page)
        return m

    def _sum(self, address: Value, page: Value) -> Value:
        aligned = self.machine.vector.bit_length() - 1
        pages = address[PAGE_BITS:] + page[:PROGRAM_PAGE_BITS]
        return Cat(C(0, aligned), address[aligned:PAGE_BITS], pages)

    def _announce(self, m: Module, page: Value) -> None:
        """Upper halves, of longer addresses than a program's."""
        if self.machine.page_bits == PROGRAM_PAGE_BITS:
            m.d.comb += [self.reads_o.eq(self.reads_i), self.writes_o.eq(self.writes_i)]
            return
        upper = page[PROGRAM_PAGE_BITS:]
        after = Signal(len(upper), init=1)
        with m.If(self.take_i):
            m.d.sync += after.eq(self.page_i[PROGRAM_PAGE_BITS:] + 1)
        for counted, whole in ((self.reads_i, self.reads_o), (self.writes_i, self.writes_o)):
            m.d.comb += whole.eq(Cat(counted[:ADDRESS_BITS], Mux(counted[ADDRESS_BITS], after, upper)))
