"""The machine: memory in, memory out. Engines, buffers and the core, joined."""

from __future__ import annotations

from amaranth import ClockDomain, ClockSignal, DomainRenamer, Module, Mux, ResetInserter, ResetSignal, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import Component, In, Out

from skipbeat_arch.depths import ENGINE_QUEUE, PART_QUEUE, READER_OWNERS
from skipbeat_arch.instruction import INSTRUCTION_BITS, Engine, TokenPair
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import CODE_BITS, MachineError
from skipbeat_arch.registers import COUNTER_BITS, Counter

from ..core.cells import SharedCells
from ..core.core import Core
from ..core.decoder import queue
from .axi import ReadSignature, WriteSignature
from .counters import Counters
from .execute import ExecuteEngine
from .fetch import COUNT_BITS, Fetch
from .fetcher import Fetcher
from .load import LoadEngine
from .memories import Memories
from .output import OutputStage
from .reader import Reader
from .store import StoreEngine
from .tokens import Tokens
from .weight_reader import WeightReader
from .writer import Writer


class MachineTop(wiring.Component):
    """Runs a program from memory. `start_i` resets everything but the memories and begins.

    An error or END stops the engines; transfers on the bus are completed, then `busy_o` falls and `error_o` says why.
    The next start runs as after reset.

    Members
    -------
    start_i, address_i, count_i: begin with so many instructions at that address; ignored while busy.
    read, write: AXI4 masters. busy_o. done_o: the last run reached its END. error_o: `MachineError` or `CoreError`.
    stored_o: the last vector of a STORE left the output stage.
    counts_o: by `Counter`.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.core = Core(machine.hw)
        data_bits = 8 * machine.beat_bytes
        super().__init__(
            {
                "start_i": In(1),
                "address_i": In(32),
                "count_i": In(COUNT_BITS),
                "read": Out(ReadSignature(data_bits=data_bits)),
                "write": Out(WriteSignature(data_bits=data_bits)),
                "busy_o": Out(1),
                "done_o": Out(1),
                "stored_o": Out(1),
                "error_o": Out(CODE_BITS),
                "counts_o": Out(data.ArrayLayout(unsigned(COUNTER_BITS), len(Counter))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        clear = Signal()
        begin = Signal()
        halt = Signal()
        conflict = Signal()
        parts = self._parts(m, clear, platform)
        reader, writer, store = parts["reader"], parts["writer"], parts["store"]
        stopped = halt & reader.quiet_o & writer.quiet_o
        accepted = self.start_i & ~self.busy_o
        m.d.comb += [clear.eq(accepted), halt.eq((self.error_o != 0) | self.done_o)]
        m.d.sync += begin.eq(accepted)
        with m.If(accepted):
            m.d.sync += [self.busy_o.eq(1), self.done_o.eq(0), self.error_o.eq(0)]
        with m.Elif(self.busy_o):
            with m.If(store.end_o & ~halt):
                m.d.sync += self.done_o.eq(1)
            with m.If(stopped):
                m.d.sync += self.busy_o.eq(0)
            with m.If(self.error_o == 0):
                code = Mux(conflict, MachineError.BANK_CONFLICT, parts["core"].error)
                for part in ("tokens", "writer", "reader", "fetch"):
                    code = Mux(parts[part].error_o != 0, parts[part].error_o, code)
                m.d.sync += self.error_o.eq(code)
        m.d.comb += [parts["fetch"].start_i.eq(begin), parts["fetch"].address_i.eq(self.address_i)]
        m.d.comb += parts["fetch"].count_i.eq(self.count_i)
        for name in ("fetch", "load", "execute", "store"):
            m.d.comb += parts[name].halt_i.eq(halt)

        m.submodules.counters = counters = Counters()
        m.d.comb += [
            counters.clear_i.eq(accepted),
            counters.enable_i.eq(self.busy_o),
            counters.activity_i.eq(self.core.activity),
            counters.read_i.eq(self.read.rvalid & self.read.rready),
            counters.write_i.eq(self.write.wvalid & self.write.wready),
            self.counts_o.eq(counters.counts_o),
        ]
        self._read_side(m, clear, parts)
        self._instructions(m, clear, parts)
        self._tokens(m, parts)
        self._compute(m, clear, parts)
        self._memories(m, parts, conflict)
        m.d.comb += [store.done_i.eq(writer.done_o), self.stored_o.eq(store.stored_o)]
        wiring.connect(m, store.requests, writer.requests)
        wiring.connect(m, writer.bus, wiring.flipped(self.write))
        wiring.connect(m, reader.bus, wiring.flipped(self.read))
        return m

    def _parts(self, m: Module, clear: Signal, platform: object) -> dict[str, Component]:
        machine = self.machine
        parts: dict[str, Component] = {
            "fetch": Fetch(machine),
            "load": LoadEngine(machine),
            "execute": ExecuteEngine(machine),
            "store": StoreEngine(machine),
            "tokens": Tokens(),
            "weight_reader": WeightReader(machine),
            "fetcher": Fetcher(machine),
            "output": OutputStage(machine),
            "reader": Reader(machine),
            "writer": Writer(machine),
        }
        for name, part in parts.items():
            m.submodules[name] = ResetInserter(clear)(part)
        if isinstance(platform, SharedCells):
            # A ResetInserter does not reach modules that are placed by name: a start clears them by their reset.
            m.domains.run = ClockDomain("run", local=True)
            m.d.comb += [ClockSignal("run").eq(ClockSignal()), ResetSignal("run").eq(ResetSignal() | clear)]
            m.submodules.core = DomainRenamer("run")(self.core)
        else:
            m.submodules.core = ResetInserter(clear)(self.core)
        parts["core"] = self.core
        parts["memories"] = m.submodules.memories = Memories(machine)
        return parts

    def _read_side(self, m: Module, clear: Signal, parts: dict[str, Component]) -> None:
        """Fetch before load at the one reader; `owners` remembers whose vectors come back."""
        fetch, load, reader = parts["fetch"], parts["load"], parts["reader"]
        owners = SyncFIFO(width=1, depth=READER_OWNERS)
        m.submodules.owners = ResetInserter(clear)(owners)
        of_fetch = fetch.requests.valid
        request = Mux(of_fetch, fetch.requests.payload.as_value(), load.requests.payload.as_value())
        m.d.comb += [
            reader.requests.payload.eq(request),
            reader.requests.valid.eq((fetch.requests.valid | load.requests.valid) & owners.w_rdy),
            fetch.requests.ready.eq(reader.requests.ready & owners.w_rdy),
            load.requests.ready.eq(reader.requests.ready & owners.w_rdy & ~of_fetch),
            owners.w_en.eq(reader.requests.valid & reader.requests.ready),
            owners.w_data.eq(of_fetch),
            owners.r_en.eq(reader.beat_o.valid & reader.beat_o.final),
            fetch.beat_i.eq(reader.beat_o),
            fetch.beat_i.valid.eq(reader.beat_o.valid & owners.r_data),
            load.beat_i.eq(reader.beat_o),
            load.beat_i.valid.eq(reader.beat_o.valid & ~owners.r_data),
        ]

    def _instructions(self, m: Module, clear: Signal, parts: dict[str, Component]) -> None:
        for name in ("load", "execute", "store"):
            inner = Module()
            source = stream.Signature(INSTRUCTION_BITS).create(path=(name, "in"))
            sink = stream.Signature(INSTRUCTION_BITS).create(path=(name, "out"))
            queue(inner, "queue", source, sink, ENGINE_QUEUE)
            m.submodules[f"{name}_queue"] = ResetInserter(clear)(inner)
            _join(m, getattr(parts["fetch"], f"{name}_o"), source)
            _join(m, sink, parts[name].instructions)

    def _tokens(self, m: Module, parts: dict[str, Component]) -> None:
        """Each engine takes from two counters and gives to two; the fetcher gives for execute."""
        tokens = parts["tokens"]
        for engine in Engine:
            taker = parts[engine.name.lower()]
            giver = parts["fetcher"] if engine == Engine.EXECUTE else taker
            pairs = zip(TokenPair.taken_by(engine), TokenPair.given_by(engine), strict=True)
            for bit, (taken, given) in enumerate(pairs):
                m.d.comb += [
                    taker.some_i[bit].eq(tokens.some_o[taken]),
                    tokens.take_i[taken].eq(taker.take_o[bit]),
                    tokens.give_i[given].eq(giver.give_o[bit]),
                ]

    def _compute(self, m: Module, clear: Signal, parts: dict[str, Component]) -> None:
        """Commands, tiles and walks into the core; its items into the output stage."""
        execute, core, output = parts["execute"], parts["core"], parts["output"]
        wiring.connect(m, execute.commands, core.commands)
        wiring.connect(m, parts["weight_reader"].weights, core.weights)
        wiring.connect(m, parts["fetcher"].activations, core.activations)
        wiring.connect(m, core.results, output.results)
        for source, sink, name in (
            (execute.tiles, parts["weight_reader"].tiles, "tile_queue"),
            (execute.jobs, parts["fetcher"].jobs, "job_queue"),
        ):
            inner = Module()
            shape = source.payload.shape()
            entry, exit_ = (stream.Signature(shape).create(path=(name, end)) for end in ("in", "out"))
            queue(inner, "queue", entry, exit_, PART_QUEUE)
            m.submodules[name] = ResetInserter(clear)(inner)
            _join(m, source, entry)
            _join(m, exit_, sink)
        wiring.connect(m, parts["store"].jobs, output.jobs)
        m.d.comb += parts["store"].vector_i.eq(output.vector_o)

    def _memories(self, m: Module, parts: dict[str, Component], conflict: Signal) -> None:
        """Joins memories and users. The banks' write port is the store engine's if it wants it."""
        memories, output, store, writer = (parts[name] for name in ("memories", "output", "store", "writer"))
        weights, fetcher, load = parts["weight_reader"], parts["fetcher"], parts["load"]
        loaded, local = load.bank_write_o, store.local_write_o
        m.d.comb += [
            conflict.eq(loaded.enable.any() & local.enable.any()),
            memories.bank_write_i.eq(Mux(local.enable.any(), local.as_value(), loaded.as_value())),
            memories.memory_write_i.eq(load.memory_write_o),
            memories.weight_address_i.eq(weights.address_o),
            memories.weight_enable_i.eq(weights.enable_o),
            weights.data_i.eq(memories.weight_o),
            memories.parameter_address_i.eq(output.parameter_address_o),
            output.parameter_i.eq(memories.parameter_o),
            memories.residual_address_i.eq(output.residual_address_o),
            output.residual_i.eq(memories.residual_o),
            memories.table_address_i.eq(fetcher.table_address_o),
            memories.table_enable_i.eq(fetcher.table_enable_o),
            fetcher.offsets_i.eq(memories.offsets_o),
            memories.bank_address_i.eq(fetcher.bank_address_o),
            memories.bank_enable_i.eq(fetcher.bank_enable_o),
            fetcher.bundles_i.eq(memories.bundles_o),
            memories.output_enable_i.eq(store.write_enable_o),
            memories.output_write_address_i.eq(store.write_address_o),
            memories.output_data_i.eq(output.vector_o.data),
            memories.output_read_address_i.eq(writer.read_address_o),
            writer.read_data_i.eq(memories.output_o),
        ]


def _join(m: Module, source: stream.Interface, sink: stream.Interface) -> None:
    """Joins streams whose shapes are equal in bits."""
    m.d.comb += [sink.payload.eq(source.payload), sink.valid.eq(source.valid), source.ready.eq(sink.ready)]
