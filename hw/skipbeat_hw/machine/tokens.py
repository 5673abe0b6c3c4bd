"""The tokens that hold the three engines together."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.depths import TOKEN_COUNTER_BITS
from skipbeat_arch.engines import TokenPair
from skipbeat_arch.machine_ports import CODE_BITS, MachineError

#: Pairs of engines in the order of the counters: load-execute, load-store, execute-load, and so on.
PAIRS = len(TokenPair)


class Tokens(wiring.Component):
    """Six counters, one for each ordered pair of engines. A token given in one clock can be taken in the next.

    Members
    -------
    take_i, give_i: a bit per counter. some_o: counters that are not zero. error_o: TOKEN_OVERFLOW, a clock after it.
    """

    def __init__(self) -> None:
        super().__init__({"take_i": In(PAIRS), "give_i": In(PAIRS), "some_o": Out(PAIRS), "error_o": Out(CODE_BITS)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        overflows = Signal(PAIRS)
        # A register: much of the engines stands before what is taken.
        m.d.sync += self.error_o.eq(Mux(overflows.any(), MachineError.TOKEN_OVERFLOW, MachineError.NONE))
        for pair in range(PAIRS):
            count = Signal(TOKEN_COUNTER_BITS, name=f"count_{pair}")
            give, take = self.give_i[pair], self.take_i[pair]
            # One more or one less hangs on `give` alone, which is there early; `take` decides only whether.
            with m.If(give ^ take):
                m.d.sync += count.eq(count + Mux(give, 1, -1))
            m.d.comb += [self.some_o[pair].eq(count != 0), overflows[pair].eq(give & ~take & count.all())]
        return m
