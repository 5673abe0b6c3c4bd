"""What is proved of the tokens: they are counted, never negative, and taken only where they are."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import Component

from skipbeat_arch.depths import TOKEN_COUNTER_BITS
from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.machine.tokens import PAIRS
from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import Around, StableFifo, implies, stays


class TokenCounts(Around):
    """Each counter is the number of tokens given and not taken, and the clock after that in which it overflows says so.

    Assumed: a token is taken only if there is some (`TakesOnlyWhatIsThere`), and nothing happens after an overflow, as
    the machine halts.
    """

    def __init__(self, tokens: Component) -> None:
        super().__init__(tokens, StableFifo)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        failed, over, overflows = Signal(), Signal(), []
        m.d.comb += [Assume((self.take_i & ~self.some_o) == 0), Assume(~failed | ((self.take_i | self.give_i) == 0))]
        for pair in range(PAIRS):
            give, take = self.give_i[pair], self.take_i[pair]
            tokens = Signal(TOKEN_COUNTER_BITS + 2, name=f"tokens_{pair}")
            m.d.sync += tokens.eq(tokens + give - take)
            overflows.append(give & ~take & (tokens == (1 << TOKEN_COUNTER_BITS) - 1))
            m.d.comb += [
                implies(~failed, register(inside, f"count_{pair}") == tokens, tokens < 1 << TOKEN_COUNTER_BITS),
                implies(~failed, self.some_o[pair] == (tokens != 0)),
                Assert(tokens <= 1 << TOKEN_COUNTER_BITS),
                Cover(take & (tokens == 2)),
            ]
        found = ~failed & Cat(overflows).any()
        m.d.sync += [failed.eq(failed | found), over.eq(found)]
        m.d.comb += Assert(self.error_o == Mux(over, MachineError.TOKEN_OVERFLOW, MachineError.NONE))
        return m


class TakesOnlyWhatIsThere(Around):
    """An engine takes a token only if there is some, only with an instruction, and begins nothing while it is halted.

    What it offers stays until it is taken, unless the machine halts. Assumed: instructions that stay until they are
    taken, and tokens that stay until the engine takes them.
    """

    #: The FIFOs of the engine.
    fifo: type[SyncFIFO] = StableFifo

    def __init__(self, engine: Component) -> None:
        self.machine = engine.machine
        super().__init__(engine, self.fifo)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        self.rules(m, self.place(m))
        return m

    def rules(self, m: Module, _inside: Fragment) -> None:
        some, offer = Signal(2), Signal(129)
        waiting = Signal()
        now = Cat(self.instructions.valid, self.instructions.payload)
        m.d.sync += [some.eq(self.some_i & ~self.take_o), offer.eq(now)]
        m.d.sync += waiting.eq(self.instructions.valid & ~self.instructions.ready)
        m.d.comb += [
            Assume((some & ~self.some_i) == 0),
            Assume(~waiting | (now == offer)),
            Assert((self.take_o & ~self.some_i) == 0),
            implies(self.take_o.any(), self.instructions.valid, ~self.halt_i),
            Cover(self.take_o == 3),
        ]
        for name in ("requests", "jobs", "commands", "tiles"):
            if name in self.part.signature.members:
                port = getattr(self, name)
                stays(m, port.valid, port.ready, port.payload, unless=self.halt_i)
                m.d.comb += implies(port.valid, ~self.halt_i, self.instructions.valid | self.late(name))

    def late(self, _name: str) -> Value:
        """Whether a stream may offer something when there is no instruction."""
        return Const(0, 1)


class ExecuteRules(TakesOnlyWhatIsThere):
    """In addition: a PASS hands out everything in one clock, so nothing is offered that is not taken at once."""

    def rules(self, m: Module, inside: Fragment) -> None:
        super().rules(m, inside)
        for port in (self.commands, self.tiles, self.jobs):
            m.d.comb += implies(port.valid, port.ready, self.instructions.ready)
        m.d.comb += [
            implies(self.tiles.valid, self.commands.valid, self.commands.payload.load),
            implies(self.commands.valid, self.jobs.valid),
            implies(self.take_o.any(), self.instructions.ready),
        ]
