"""What is proved of the base of a run and of the watchdog that ends it."""

from __future__ import annotations

from amaranth.hdl import Assert, Cat, Const, Cover, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component

from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import Around, StableFifo, implies


class BaseRules(Around):
    """What a master announces of a request is the request's address and the base: any burst at any distance from the
    request's beginning lies at their sum on the bus, mod 2^A; a request begins at a multiple of V.

    Nothing is assumed. `distance` is free: what the master has counted since.
    """

    def __init__(self, base: Component) -> None:
        self.machine = base.machine
        super().__init__(base, StableFifo, distance=32)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside, machine = self.place(m), self.machine
        bits, counted = machine.hw.memory.address_bits, machine.counted_bits
        page = Signal(bits - 12)
        with m.If(self.take_i):
            m.d.sync += page.eq(self.page_i)
        m.d.comb += Assert(register(inside, "page") == page)
        if bits > 32:
            m.d.comb += Assert(register(inside, "after") == (page[20:] + 1)[: bits - 32])
        aligned = machine.vector.bit_length() - 1
        for asked, given, sent, seen in (
            (self.read_i, self.read_o, self.reads_i, self.reads_o),
            (self.write_i, self.write_o, self.writes_i, self.writes_o),
        ):
            begin: Value = Cat(Const(0, aligned), asked[aligned:])
            # A program's addresses have 32 bits, so a request does not go beyond them.
            within = (begin + self.distance)[32:] == 0
            counting = sent == (given + self.distance)[:counted]
            sum_ = (Cat(Const(0, 12), page) + begin + self.distance)[:bits]
            m.d.comb += [implies(within & counting, seen == sum_), Cover(within & counting & (self.distance == 4096))]
        return m


class WatchdogRules(Around):
    """The error comes after exactly N clocks in a row without a move, and not before. Nothing is assumed."""

    def __init__(self, watchdog: Component) -> None:
        self.patience = watchdog.patience
        super().__init__(watchdog, StableFifo)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        # Clocks in a row without a move, before this one; N of them are enough. The one of the reset counts.
        quiet = Signal(range(self.patience + 1), init=1)
        m.d.sync += quiet.eq(Mux(self.moves_i, 0, Mux(quiet == self.patience, quiet, quiet + 1)))
        moved, still = register(inside, "moved"), register(inside, "still")
        m.d.comb += [
            Assert((self.error_o == MachineError.DEADLOCK) == (quiet == self.patience)),
            Assert((self.error_o == 0) | (self.error_o == MachineError.DEADLOCK)),
            Assert(moved == (quiet == 0)),
            implies(~moved, still + 1 == quiet),
            Cover(still == 3),
        ]
        return m
