"""What is proved of the wiring: engines, tokens, fetch and reader as the machine joins them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType
from unittest.mock import patch

from amaranth.hdl import Assert, Assume, Cat, Cover, Fragment, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import Component, In, Out

from skipbeat_arch.depths import READER_QUEUE
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.ports import ACTIVITY, COMMAND, bundle_bits, weight_fields
from skipbeat_hw import queue
from skipbeat_hw.layouts import struct
from skipbeat_hw.machine import fetch, fetcher, load, parts, store, weight_reader, writer
from skipbeat_hw.machine.memories import Memories
from skipbeat_hw.machine.reader import Reader
from tests.hw.core.symbolic_tile import total
from tests.hw.machine.formal_parts import LateFifo, RegisterFifo, StableFifo, implies

#: Free bits for the data of all FIFOs.
FRESH_BITS = 4096
WATCHED = ("LoadEngine", "ExecuteEngine", "Watchdog")


class AnyReader(Reader):
    """A reader of which only what `ReaderRules` proves is left: each request gets its vectors, in order, some time."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.returns = RegisterFifo(width=16, depth=READER_QUEUE)
        self.come, self.willing, self.data = Signal(), Signal(), Signal(8 * machine.vector)
        self.taken = Signal(16)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.returns = returns = self.returns
        whole, final = self.come & returns.r_rdy, self.taken + 1 == returns.r_data
        m.d.comb += [
            self.requests.ready.eq(self.willing & returns.w_rdy),
            returns.w_en.eq(self.requests.valid & self.requests.ready),
            returns.w_data.eq(self.requests.payload.count),
            returns.r_en.eq(whole & final),
            self.quiet_o.eq(~returns.r_rdy),
        ]
        m.d.sync += [self.beat_o.valid.eq(whole), self.beat_o.final.eq(final), self.beat_o.data.eq(self.data)]
        with m.If(whole):
            m.d.sync += self.taken.eq(Mux(final, 0, self.taken + 1))
        return m


class AnyCore(Component):
    """The core's ports, which the proof drives."""

    def __init__(self, hw: Hardware) -> None:
        bundles = data.ArrayLayout(unsigned(bundle_bits(hw)), hw.array.rows)
        sums = data.ArrayLayout(unsigned(hw.numbers.accumulator_bits), hw.array.cols)
        members = {"commands": In(stream.Signature(struct(COMMAND))), "activations": In(stream.Signature(bundles))}
        members |= {"weights": In(stream.Signature(struct(weight_fields(hw)))), "results": Out(stream.Signature(sums))}
        super().__init__({**members, "error": Out(3), "busy": Out(1), "activity": Out(struct(ACTIVITY))})

    def elaborate(self, _platform: object) -> Module:
        return Module()


class AnyMemories(Memories):
    """Memories that give zeros: what they hold moves no valid, no ready and no token."""

    def elaborate(self, _platform: object) -> Module:
        return Module()


class Joined(Component):
    """Tokens are taken only where they are; vectors come to the load engine only for its requests.

    Asserted: no counter of tokens gives what it does not have; `owners` has an entry for each request under way, its
    head that of the vector that comes; LOAD's `routes` are the requests of the load engine among them, so its vectors
    come only for its requests. These are what `TokenCounts` and `LoadRules` assume. In the clock after fetch
    or the watchdog finds a fault, the engines are halted; a run that is halted is over when the masters are quiet.

    Assumed: LOADs of at least one vector; of fetch's requests the same, as `FetchRules` proves. The core's ports are
    free, and the memories give zeros.
    """

    def __init__(self, module: ModuleType, machine: Machine) -> None:
        self.machine, self.module = machine, module
        self.fifos: dict[str, list[SyncFIFO]] = {}
        self.parts: dict[str, Component] = {}
        with patch.dict(vars(module), Core=AnyCore):
            self.top = module.MachineTop(machine)
        members = {
            name: self.top.signature.members[name] for name in ("start_i", "address_i", "count_i", "page_i", "abort_i")
        }
        core = {"commands": In(1), "weights": In(1), "activations": In(1), "results": In(1), "error": In(3)}
        slave = {"write_ready": In(3), "come": In(1), "willing": In(1), "data": In(8 * machine.vector)}
        super().__init__({**members, **core, **slave, "fresh": In(FRESH_BITS)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.top = self._place()
        self._drive(m)
        tokens = self.parts["Tokens"]
        m.d.comb += [Assert((tokens.take_i & ~tokens.some_o) == 0), Cover(tokens.take_i[0])]
        self._owners(m)
        self._ends(m)
        return m

    def _ends(self, m: Module) -> None:
        """Of what fetch hands out with an error, no engine begins anything; nothing but the bus holds up an end."""
        top, load, reader, writer = self.top, self.parts["LoadEngine"], self.parts["Reader"], self.parts["Writer"]
        failed, over = Signal(), Signal()
        found = (self.parts["Fetch"].error_o != 0) | (self.parts["Watchdog"].error_o != 0)
        m.d.sync += [failed.eq(top.busy_o & found), over.eq(top.busy_o & load.halt_i & reader.quiet_o & writer.quiet_o)]
        m.d.comb += [
            implies(failed, load.halt_i, self.parts["ExecuteEngine"].halt_i, self.parts["StoreEngine"].halt_i),
            implies(over, ~top.busy_o),
            Assert(load.halt_i == ((top.error_o != 0) | top.done_o)),
        ]

    def _place(self) -> Fragment:
        """The machine with its FIFOs exchanged, its core and memories emptied, and its parts noted by class."""
        made = vars(parts)
        kinds = {name: made[name] for name in ("Tokens", "Fetch", "StoreEngine", "Writer", *WATCHED)}
        kinds |= {"Reader": AnyReader}
        with ExitStack() as stack:
            stack.enter_context(patch.dict(vars(self.module), Memories=AnyMemories))
            for home in (fetch, fetcher, load, store, weight_reader, writer, queue, parts):
                name = home.__name__.rpartition(".")[2]
                kind = RegisterFifo if name == "parts" else StableFifo
                kinds_of_fifo = {each: self._fifo(name, kind) for each in ("SyncFIFO", "RegisteredFifo", "ShiftFifo")}
                kinds_of_fifo |= {"StoredQueue": self._fifo(name, LateFifo)}
                stack.enter_context(patch.dict(vars(home), kinds_of_fifo))
            for name, kind in kinds.items():
                stack.enter_context(patch.dict(made, {name: self._note(name, kind)}))
            return Fragment.get(self.top, None)

    def _fifo(self, home: str, kind: type[SyncFIFO]) -> Callable[..., SyncFIFO]:
        def make(*, width: int, depth: int) -> SyncFIFO:
            self.fifos.setdefault(home, []).append(kind(width=width, depth=depth))
            return self.fifos[home][-1]

        return make

    def _note(self, name: str, kind: type[Component]) -> Callable[..., Component]:
        def make(*arguments: Machine) -> Component:
            self.parts[name] = kind(*arguments)
            return self.parts[name]

        return make

    def _drive(self, m: Module) -> None:
        top, core, reader = self.top, self.top.core, self.parts["Reader"]
        for name in ("start_i", "address_i", "count_i", "page_i", "abort_i"):
            m.d.comb += getattr(top, name).eq(getattr(self, name))
        m.d.comb += [
            core.commands.ready.eq(self.commands),
            core.weights.ready.eq(self.weights),
            core.activations.ready.eq(self.activations),
            core.results.valid.eq(self.results),
            core.error.eq(self.error),
            Cat(top.write.awready, top.write.wready, top.write.bvalid).eq(self.write_ready),
            Cat(reader.come, reader.willing).eq(Cat(self.come, self.willing)),
            reader.data.eq(self.data),
        ]
        fresh: Value = self.fresh
        for fifo in (fifo for fifos in self.fifos.values() for fifo in fifos):
            m.d.comb += Assert(fifo.level <= fifo.depth)
            if isinstance(fifo, StableFifo):
                assert len(fresh) >= len(fifo.fresh)
                m.d.comb += fifo.fresh.eq(fresh)
                fresh = fresh[len(fifo.fresh) :]

    def _owners(self, m: Module) -> None:
        reader, engine = self.parts["Reader"], self.parts["LoadEngine"]
        self.owners, routes = self.fifos["parts"][0], self.fifos["load"][0]
        owners, returns, beat = self.owners, reader.returns, reader.beat_o
        self.ending = beat.valid & beat.final
        loads = [~entry[0] & (i < owners.level) for i, entry in enumerate(owners.entries)]
        m.d.comb += [
            *(
                Assume(~part.requests.valid | (part.requests.payload.count != 0))
                for part in (engine, self.parts["Fetch"])
            ),
            Assert(returns.level <= READER_QUEUE),
            Assert(owners.level == returns.level + self.ending),
            Assert(total(loads) == routes.level),
            implies(returns.level != 0, reader.taken < returns.r_data),
            implies(returns.level == 0, reader.taken == 0),
            implies(beat.valid & ~beat.final, reader.taken != 0),
            implies(engine.beat_i.valid, routes.r_rdy),
            implies(owners.w_en, owners.w_rdy),
            *(implies(i < returns.level, entry != 0) for i, entry in enumerate(returns.entries)),
            Cover(engine.beat_i.valid & (routes.level == 2)),
        ]
