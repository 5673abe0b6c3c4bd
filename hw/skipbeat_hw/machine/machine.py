"""The machine: memory in, memory out. Engines, buffers and the core, joined."""

from __future__ import annotations

from amaranth import Cat, ClockDomain, ClockSignal, DomainRenamer, Module, Mux, ResetInserter, ResetSignal, Signal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.engines import Engine, TokenPair
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import CODE_BITS, REQUEST, MachineError
from skipbeat_arch.registers import COUNTER_BITS, Cause, Counter
from skipbeat_arch.training.jobs import CLIP_BITS
from skipbeat_arch.training.rounding import SUM_BITS

from ..arguments import expect
from ..core.cells import SharedCells
from ..core.core import Core
from ..layouts import struct
from ..queue import has_room
from ..training.peak import Peak
from .axi import ReadSignature, WriteSignature
from .base import Base
from .counters import Counters
from .fetch import COUNT_BITS
from .memories import Memories
from .parts import Parts


class MachineTop(wiring.Component):
    """Runs a program from memory. While no run is under way, everything but the memories is reset.

    An error, `abort_i` or END stops the engines; transfers on the bus are completed, then `busy_o` falls and `error_o`
    says why. The next start runs as after reset.

    Members
    -------
    start_i, address_i, count_i: begin with so many instructions at that address, which are there a clock longer than
        the start; ignored while busy.
    page_i: with the start, the base, in pages of 4 KiB: what the program's addresses, and its own, are counted from.
    abort_i: ends a run with the error ABORTED.
    read, write: AXI4 masters. busy_o. done_o: the last run reached its END. error_o: `MachineError` or `CoreError`.
    stored_o: the last vector of a STORE left the output stage.
    counter_i, count_o: the `Counter` that is asked for, and its count (`Counters`).
    bits_o, clips_o: of what the run noted (`Peak`), with `outputs.gradients` only.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        self.core = Core(machine.hw)
        self._notes = machine.hw.outputs.gradients
        bus = {"data_bits": 8 * machine.beat_bytes, "address_bits": machine.hw.memory.address_bits}
        super().__init__(
            {
                "start_i": In(1),
                "address_i": In(32),
                "count_i": In(COUNT_BITS),
                "page_i": In(machine.page_bits),
                "abort_i": In(1),
                "read": Out(ReadSignature(**bus)),
                "write": Out(WriteSignature(**bus)),
                "busy_o": Out(1),
                "done_o": Out(1),
                "stored_o": Out(1),
                "error_o": Out(CODE_BITS),
                "counter_i": In(range(len(Counter))),
                "count_o": Out(COUNTER_BITS),
            }
            | ({"bits_o": Out(range(SUM_BITS + 1)), "clips_o": Out(CLIP_BITS)} if self._notes else {})
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        clear = Signal()
        parts = Parts(self.machine)
        for name, part in vars(parts).items():
            if part is not None:
                m.submodules[name] = ResetInserter(~self.busy_o)(part)
        self._place_core(m, platform)
        m.submodules.memories = memories = Memories(self.machine)
        wrote = self._banks(m, parts, memories)
        self._run(m, clear, parts, wrote.all())
        self._count(m, clear)
        if self._notes:
            self._note(m, clear, parts)
        m.submodules.base = base = Base(self.machine)
        m.d.comb += [base.take_i.eq(clear), base.page_i.eq(self.page_i)]
        self._read_side(m, parts, base)
        self._write_side(m, parts, base)
        self._watch(m, parts, wrote[0])
        self._tokens(m, parts)
        self._compute(m, parts, memories)
        self._memories(m, parts, memories)
        m.d.comb += self.stored_o.eq(parts.store.stored_o)
        for source, sink in (
            (parts.fetch.load_o, parts.load_queue.i),
            (parts.load_queue.o, parts.load.instructions),
            (parts.fetch.execute_o, parts.execute_queue.i),
            (parts.execute_queue.o, parts.execute.instructions),
            (parts.fetch.store_o, parts.store_queue.i),
            (parts.store_queue.o, parts.store.instructions),
        ):
            wiring.connect(m, source, sink)
        return m

    def _place_core(self, m: Module, platform: object) -> None:
        if isinstance(platform, SharedCells):
            # A ResetInserter does not reach modules that are placed by name: they are cleared by their reset.
            m.domains.run = ClockDomain("run", local=True)
            m.d.comb += [ClockSignal("run").eq(ClockSignal()), ResetSignal("run").eq(ResetSignal() | ~self.busy_o)]
            m.submodules.core = DomainRenamer("run")(self.core)
        else:
            m.submodules.core = ResetInserter(~self.busy_o)(self.core)

    def _run(self, m: Module, clear: Signal, parts: Parts, conflict: Value) -> None:
        """Begins and ends a run."""
        begin = Signal()
        # An error or the end; a register of its own, as much waits for it.
        halt = Signal()
        m.d.comb += clear.eq(self.start_i & ~self.busy_o)
        m.d.sync += begin.eq(clear)
        with m.If(clear):
            m.d.sync += [self.busy_o.eq(1), self.done_o.eq(0), self.error_o.eq(0), halt.eq(0)]
        with m.Elif(self.busy_o):
            with m.If(parts.store.end_o & ~halt):
                m.d.sync += [self.done_o.eq(1), halt.eq(1)]
            with m.If(halt & parts.reader.quiet_o & parts.writer.quiet_o):
                m.d.sync += self.busy_o.eq(0)
            with m.If(self.error_o == 0):
                # Fetch's is the last, as it comes late in the clock; so does an abort.
                errors = [
                    *(part.error_o for part in (parts.reader, parts.writer, parts.tokens)),
                    Mux(conflict, MachineError.BANK_CONFLICT, 0),
                    self.core.error,
                    parts.watchdog.error_o,
                    Mux(self.abort_i, MachineError.ABORTED, 0),
                    parts.fetch.error_o,
                ]
                *earlier, code = errors
                for error in reversed(earlier):
                    code = Mux(error != 0, error, code)
                m.d.sync += self.error_o.eq(code)
                with m.If(Cat(error != 0 for error in errors).any()):
                    m.d.sync += halt.eq(1)
        m.d.comb += [
            parts.fetch.start_i.eq(begin),
            parts.fetch.address_i.eq(self.address_i),
            parts.fetch.count_i.eq(self.count_i),
            *(part.halt_i.eq(halt) for part in (parts.fetch, parts.load, parts.execute, parts.store)),
        ]

    def _count(self, m: Module, clear: Signal) -> None:
        m.submodules.counters = counters = Counters()
        m.d.comb += [
            counters.clear_i.eq(clear),
            counters.enable_i.eq(self.busy_o),
            counters.activity_i.eq(self.core.activity),
            counters.read_i.eq(self.read.rvalid & self.read.rready),
            counters.write_i.eq(self.write.wvalid & self.write.wready),
            counters.counter_i.eq(self.counter_i),
            self.count_o.eq(counters.count_o),
        ]

    def _note(self, m: Module, clear: Signal, parts: Parts) -> None:
        """Of all that a run notes; it stays until the next run, as counters do."""
        m.submodules.peak = peak = Peak(self.machine.hw.outputs.lanes)
        noted = parts.output.noted_o
        m.d.comb += [
            peak.begin_i.eq(clear),
            peak.valid_i.eq(noted.valid),
            peak.sums_i.eq(noted.sums),
            peak.clipped_i.eq(noted.clipped),
            self.bits_o.eq(peak.bits_o),
            self.clips_o.eq(peak.clips_o),
        ]

    def _watch(self, m: Module, parts: Parts, loaded: Value) -> None:
        """What moves: bus, instructions that leave a queue, words, steps, sums, and what was `loaded` a clock ago."""
        streams = (
            parts.load.instructions,
            parts.execute.instructions,
            parts.store.instructions,
            self.core.weights,
            self.core.results,
        )
        moves = Cat(*(stream.valid & stream.ready for stream in streams), *parts.stages.moves).any()
        waits = parts.reader.quiet_o & parts.writer.quiet_o & ~loaded
        computes = self.core.activity.cause == Cause.COMPUTE
        m.d.comb += parts.watchdog.moves_i.eq(moves | ~waits | computes | ~self.busy_o)

    def _write_side(self, m: Module, parts: Parts, base: Base) -> None:
        requests, writer = parts.store.requests, parts.writer
        m.d.comb += [
            base.write_i.eq(requests.payload.address),
            writer.requests.payload.address.eq(base.write_o),
            writer.requests.payload.count.eq(requests.payload.count),
            writer.requests.payload.start.eq(requests.payload.start),
            writer.requests.valid.eq(requests.valid),
            requests.ready.eq(writer.requests.ready),
            parts.store.done_i.eq(writer.done_o),
            base.writes_i.eq(writer.bus.awaddr),
        ]
        _join(m, writer.bus, self.write, {"awaddr": base.writes_o})

    def _read_side(self, m: Module, parts: Parts, base: Base) -> None:
        """Fetch before load at the one reader; `owners` remembers whose vectors come back."""
        fetch, load, reader, owners = parts.fetch, parts.load, parts.reader, parts.owners
        of_fetch = fetch.requests.valid
        # Load asks for nothing in a halt, and of fetch nothing is taken: which of them asks does not wait for it.
        may_ask = ~fetch.halt_i & has_room(owners)
        request = Mux(of_fetch, fetch.requests.payload.as_value(), load.requests.payload.as_value())
        _join(m, reader.bus, self.read, {"araddr": base.reads_o})
        m.d.comb += [
            base.read_i.eq(struct(REQUEST)(request).address),
            base.reads_i.eq(reader.bus.araddr),
            reader.requests.payload.address.eq(base.read_o),
            reader.requests.payload.count.eq(struct(REQUEST)(request).count),
            reader.requests.valid.eq((fetch.requests.valid | load.requests.valid) & may_ask),
            fetch.requests.ready.eq(reader.requests.ready & may_ask),
            load.requests.ready.eq(reader.requests.ready & may_ask & ~of_fetch),
            owners.w_en.eq(reader.requests.valid & reader.requests.ready),
            owners.w_data.eq(of_fetch),
            owners.r_en.eq(reader.beat_o.valid & reader.beat_o.final),
            fetch.beat_i.eq(reader.beat_o),
            fetch.beat_i.valid.eq(reader.beat_o.valid & owners.r_data),
            load.beat_i.eq(reader.beat_o),
            load.beat_i.valid.eq(reader.beat_o.valid & ~owners.r_data),
        ]

    def _tokens(self, m: Module, parts: Parts) -> None:
        """Each engine takes from two counters and gives to two; the fetcher gives for execute."""
        for engine in Engine:
            taker = getattr(parts, engine.name.lower())
            giver = parts.fetcher if engine == Engine.EXECUTE else taker
            pairs = zip(TokenPair.taken_by(engine), TokenPair.given_by(engine), strict=True)
            for bit, (taken, given) in enumerate(pairs):
                m.d.comb += [
                    taker.some_i[bit].eq(parts.tokens.some_o[taken]),
                    parts.tokens.take_i[taken].eq(taker.take_o[bit]),
                    parts.tokens.give_i[given].eq(giver.give_o[bit]),
                ]

    def _compute(self, m: Module, parts: Parts, memories: Memories) -> None:
        """Commands, tiles and walks into the core; its items into the output stage."""
        for source, sink in (
            (parts.execute.commands, self.core.commands),
            (parts.execute.tiles, parts.tile_queue.i),
            (parts.tile_queue.o, parts.weight_reader.tiles),
            (parts.execute.jobs, parts.job_queue.i),
            (parts.job_queue.o, parts.fetcher.jobs),
            (parts.weight_reader.weights, self.core.weights),
            (parts.fetcher.activations, self.core.activations),
            (self.core.results, parts.output.results),
        ):
            wiring.connect(m, source, sink)
        parts.stages.connect(m, parts.store, memories.residual_o)

    def _banks(self, m: Module, parts: Parts, memories: Memories) -> Signal:
        """The store engine has the banks' write port if it wants it; returns who wrote a clock ago: load, store."""
        loaded, local = parts.load.bank_write_o, parts.store.local_write_o
        wrote = Signal(2)
        m.d.comb += memories.bank_write_i.eq(Mux(local.enable.any(), local.as_value(), loaded.as_value()))
        m.d.sync += wrote.eq(Mux(self.busy_o, Cat(loaded.enable.any(), local.enable.any()), 0))
        return wrote

    def _memories(self, m: Module, parts: Parts, memories: Memories) -> None:
        """Joins memories and users."""
        output, store, writer, stages = parts.output, parts.store, parts.writer, parts.stages
        weights, fetcher = parts.weight_reader, parts.fetcher
        m.d.comb += [
            memories.memory_write_i.eq(parts.load.memory_write_o),
            memories.weight_address_i.eq(weights.address_o),
            memories.weight_enable_i.eq(weights.enable_o),
            weights.data_i.eq(memories.weight_o),
            memories.parameter_address_i.eq(output.parameter_address_o),
            output.parameter_i.eq(memories.parameter_o),
            memories.residual_address_i.eq(stages.residual_address),
            memories.residual_enable_i.eq(stages.residual_enable),
            output.residual_i.eq(memories.residual_o),
            memories.table_address_i.eq(fetcher.table_address_o),
            memories.table_enable_i.eq(fetcher.table_enable_o),
            fetcher.offsets_i.eq(memories.offsets_o),
            memories.bank_address_i.eq(fetcher.bank_address_o),
            memories.bank_enable_i.eq(fetcher.bank_enable_o),
            fetcher.bundles_i.eq(memories.bundles_o),
            memories.output_enable_i.eq(store.write_enable_o),
            memories.output_write_address_i.eq(store.write_address_o),
            memories.output_data_i.eq(stages.data),
            memories.output_read_address_i.eq(writer.read_address_o),
            writer.read_data_i.eq(memories.output_o),
        ]


def _join(m: Module, inside: wiring.PureInterface, outside: wiring.PureInterface, instead: dict[str, Value]) -> None:
    """Joins a master's bus to a port; some of what it sends is exchanged."""
    for name, member in inside.signature.members.items():
        inner, outer = getattr(inside, name), getattr(outside, name)
        m.d.comb += outer.eq(instead.get(name, inner)) if member.flow == Out else inner.eq(outer)
