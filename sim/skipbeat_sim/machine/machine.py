"""The whole accelerator: three engines, memories and masters around the core."""

from __future__ import annotations

from typing import Protocol

from skipbeat_arch.depths import ENGINE_QUEUE, PART_QUEUE, READER_OWNERS
from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.registers import Cause

from ..core.core import Core
from ..core.fifo import Fifo
from ..training.peak import Peak
from .axi import ReadBeat, Request, WriteResponse
from .base import Base
from .counters import MachineCounter
from .execute import ExecuteEngine, Job, TileRead
from .fetch import Fetch
from .fetcher import Fetcher
from .gradient_lanes import note
from .load import LoadEngine
from .memories import Memories
from .reader import Reader
from .stages import Stages
from .store import StoreEngine
from .tokens import GIVEN, TAKEN, Tokens, picked
from .watchdog import Watchdog
from .weight_reader import WeightReader
from .writer import Writer


class _Part(Protocol):
    def reset(self) -> None:
        """All registers."""


class MachineTop:
    """Twin of the machine, with memories of an earlier run or new ones. `evaluate` sets wires, `update` ends the clock.

    The native bus is that of the reader (`reader.ar`), the writer (`writer.aw`, `writer.w`), and the arguments of
    `evaluate`.

    Attributes:
        busy_o, done_o: registers; error_o likewise: a `MachineError`, or a `CoreError` below 16.
        bits_o, clips_o: of the run's stochastic bytes.
        counter: what happened so far; a reset does not clear it.
    """

    r_ready = b_ready = True

    def __init__(self, machine: Machine, memories: Memories | None = None) -> None:
        self._machine = machine
        hw = machine.hw
        self.core, self.tokens, self.memories = Core(hw), Tokens(), memories or Memories(machine)
        self.reader, self.writer, self.fetch = Reader(machine), Writer(machine), Fetch(machine)
        self.load, self.execute, self.store = LoadEngine(machine), ExecuteEngine(machine), StoreEngine(machine)
        self.weight_reader, self.fetcher, self.stages = WeightReader(machine), Fetcher(machine), Stages(machine)
        self.output = self.stages.output
        self._queues: list[Fifo[int]] = [Fifo(ENGINE_QUEUE) for _ in Engine]
        self._jobs: Fifo[Job] = Fifo(PART_QUEUE)
        self._tiles: Fifo[TileRead] = Fifo(PART_QUEUE)
        # whose vectors come back: True for fetch
        self._owners: Fifo[bool] = Fifo(READER_OWNERS)
        self.counter = MachineCounter(machine)
        self.base, self.watchdog = Base(machine), Watchdog(machine)
        self._peak = Peak(hw.outputs.lanes)
        self._reset_status()
        self.w_strb = self.writer.w_strb

    def _reset_parts(self) -> None:
        parts: tuple[_Part, ...] = (
            self.core,
            self.tokens,
            self.watchdog,
            self.reader,
            self.writer,
            self.fetch,
            self.load,
            self.execute,
            self.store,
            self.weight_reader,
            self.fetcher,
            self.stages,
            *self._queues,
            self._jobs,
            self._tiles,
            self._owners,
        )
        for part in parts:
            part.reset()

    def reset(self) -> None:
        """Everything but what the memories hold."""
        self._reset_parts()
        self.memories.reset()
        self.base.reset()
        self._peak.reset()
        self._reset_status()

    def _reset_status(self) -> None:
        """The registers of its own."""
        self.busy_o = self.done_o = False
        self.error_o = self.bits_o = self.clips_o = 0
        self._begin: tuple[int, int] | None = None
        self._conflict, self._loaded = MachineError.NONE, False

    @property
    def stored_o(self) -> bool:
        """The last vector of a STORE leaves the output stage."""
        return self.store.stored_o

    def evaluate(
        self,
        start_i: bool,
        address_i: int,
        count_i: int,
        *,
        page_i: int = 0,
        abort_i: bool = False,
        ar_ready: bool = True,
        r: ReadBeat | None = None,
        aw_ready: bool = True,
        w_ready: bool = False,
        b: WriteResponse | None = None,
    ) -> None:
        """Wires of the clock; `ar`, `aw` and `w` are those of the two masters."""
        self._start = (address_i, count_i) if start_i and not self.busy_o else None
        self._page, self._abort = page_i, abort_i
        self._halt = halt = self.error_o != 0 or self.done_o
        self.reader.evaluate(ar_ready, r)
        self.writer.evaluate(aw_ready, w_ready, b)
        ar, aw, self.w = self.reader.ar, self.writer.aw, self.writer.w
        self.ar = ar and ar._replace(addr=self.base.announced(ar.addr))
        self.aw = aw and aw._replace(addr=self.base.announced(aw.addr))
        (load, execute, store), some = self._queues, self.tokens.some_o
        begin, address = self._begin is not None, self._begin[0] if self._begin else 0
        self.fetch.evaluate(begin, address, halt, load.ready, execute.ready, store.ready)
        beat = self.reader.beat_o
        self._for_fetch = beat is not None and bool(self._owners.front)
        self._fetch_granted = self.reader.requests_ready and self._owners.ready and not halt
        granted = self._fetch_granted and self.fetch.requests is None
        own = None if self._for_fetch else beat
        self.load.evaluate(load.front, picked(some, Engine.LOAD), own, halt, granted)
        self._request = self._on_bus(self.fetch.requests or self.load.requests) if self._fetch_granted else None
        self._evaluate_core(execute.front, picked(some, Engine.EXECUTE), halt)
        stages, done = self.stages, self.writer.done_o
        self.store.evaluate(store.front, picked(some, Engine.STORE), stages.vector_o, halt, stages.jobs_ready, done)
        self._evaluate_tokens()
        self._moves = self._something_moves()

    def _on_bus(self, request: Request | None) -> Request | None:
        """A request with the base."""
        return request and Request(self.base.requested(request.address), request.count, request.start)

    def _something_moves(self) -> bool:
        load, core = self.load, self.core
        return (
            not self.busy_o
            or not self.reader.quiet_o
            or self.writer.active
            or bool(load.instructions_ready or self.execute.instructions_ready or self.store.instructions_ready)
            or self._loaded
            or self.stages.turns
            or (self.weight_reader.weights is not None and core.weights_ready)
            or (core.results_valid and self.output.results_ready)
            or core.sequencer.cause_o == Cause.COMPUTE
        )

    def _written_twice(self) -> MachineError:
        loaded, stored = self.load.bank_write_o, self.store.local_write_o
        both = loaded is not None and stored is not None and loaded.enable and stored.enable
        return MachineError.BANK_CONFLICT if both else MachineError.NONE

    def _evaluate_core(self, instruction: int | None, some: int, halt: bool) -> None:
        core, output = self.core, self.output
        self.execute.evaluate(instruction, some, halt, core.accepts_command, self._tiles.ready, self._jobs.ready)
        self.weight_reader.evaluate()
        self.fetcher.evaluate()
        output.evaluate(core.results if core.results_valid else None)
        commands, weights, activations = self.execute.commands, self.weight_reader.weights, self.fetcher.activations
        core.evaluate(commands, weights, activations, output.results_ready)

    def _evaluate_tokens(self) -> None:
        load, execute, store = self.load, self.execute, self.store
        taken = load.take_o, execute.take_o, store.take_o
        given = load.give_o, self.fetcher.give_o, store.give_o
        take = give = 0
        for engine in Engine:
            for bit, (taker, giver) in enumerate(zip(TAKEN[engine], GIVEN[engine], strict=True)):
                take |= (taken[engine] >> bit & 1) << taker
                give |= (given[engine] >> bit & 1) << giver
        self.tokens.evaluate(take, give)

    def update(self) -> None:
        """End of the clock."""
        idle, memories, begin, self._begin = not self.busy_o, self.memories, self._begin, None
        if not idle or self._start:
            self._count()
        self._update_status()
        self._conflict = MachineError.NONE if idle else self._written_twice()
        loaded = self.load.bank_write_o
        self._loaded = not idle and loaded is not None and bool(loaded.enable)
        # what the memories show in this clock, before they are read again
        weight, parameter, residual, output = memories.weight, memories.parameter, memories.residual, memories.output
        table, banks = memories.table, memories.banks
        self._update_memories()
        self._update_queues()
        self.store.update(not self.writer.active)
        self.stages.update(self.store.jobs, parameter, residual)
        if self._machine.hw.outputs.gradients:
            self.bits_o, self.clips_o = note(self._peak, self._start is not None, self.output.noted_o)
        self.writer.update(self._on_bus(self.store.requests), output)
        self.fetcher.update(self._job, table, banks, self.core.activations_ready)
        self.weight_reader.update(self._tile, weight, self.core.weights_ready)
        self.execute.update()
        self.load.update()
        own = self.reader.beat_o if self._for_fetch else None
        self.fetch.update(begin is not None, *(begin or (0, 0)), own, self._fetch_granted)
        self.reader.update(self._request)
        self.tokens.update()
        self.watchdog.update(self._moves)
        self.base.update(self._start is not None, self._page)
        self.core.update()
        if idle:
            self._reset_parts()

    def _update_status(self) -> None:
        if self._start is not None:
            self.busy_o, self.done_o, self.error_o, self._begin = True, False, 0, self._start
        elif self.busy_o:
            if self._halt and self.reader.quiet_o and not self.writer.active:
                self.busy_o = False
            self.done_o = self.done_o or self.store.end_o
            if not self.error_o:
                masters = self.reader.error_o, self.writer.error_o
                aborted = MachineError.ABORTED if self._abort else MachineError.NONE
                inside = self.tokens.error_o, self._conflict, self.core.error, self.watchdog.error_o
                errors = *masters, *inside, aborted, self.fetch.error_o
                self.error_o = int(next((error for error in errors if error), MachineError.NONE))

    def _update_memories(self) -> None:
        """Reads first: a write of what is read in the same clock is an error of the program."""
        memories, fetcher, vector = self.memories, self.fetcher, self.stages.vector_o
        memories.begin_clock()
        if self.weight_reader.enable_o:
            memories.read_weight(self.weight_reader.address_o)
        if fetcher.table_enable_o:
            memories.read_table(fetcher.table_address_o, fetcher.table_rows)
        if fetcher.bank_address_o is not None:
            memories.read_banks(fetcher.bank_address_o, fetcher.rows)
        self.stages.read(memories)
        if self.writer.fetch:
            memories.read_output(self.writer.read_address_o)
        stored = self.store.local_write_o
        bank_write = stored if stored is not None and stored.enable else self.load.bank_write_o
        memories.update(self.load.memory_write_o, bank_write)
        if self.store.write_enable_o and vector is not None:
            memories.write_output(self.store.write_address_o, vector.data)

    def _update_queues(self) -> None:
        execute, queues, fetch = self.execute, self._queues, self.fetch
        jobs, tiles = self._jobs, self._tiles
        self._job, self._tile = jobs.front, tiles.front
        jobs.update(self._job is not None and self.fetcher.jobs_ready, execute.jobs)
        tiles.update(self._tile is not None and self.weight_reader.tiles_ready, execute.tiles)
        taken = self.load.instructions_ready, execute.instructions_ready, self.store.instructions_ready
        for engine, queue in enumerate(queues):
            queue.update(taken[engine], fetch.offers[engine] if queue.ready else None)
        beat = self.reader.beat_o
        owner = None if self._request is None else fetch.requests is not None
        self._owners.update(beat is not None and beat.final, owner)

    def _count(self) -> None:
        counter, load, store = self.counter, self.load, self.store
        if self.reader.beat_o is not None:
            route = None if self._for_fetch else load.route
            counter.read(None if route is None else route.kind)
        if load.begins:
            self._note(Engine.LOAD)
        if load.ends_zero:
            counter.finish(Opcode.ZERO)
        elif load.final:
            counter.finish(Opcode.LOAD)
        if self.execute.instructions_ready:
            self._note(Engine.EXECUTE)
        if store.popped:
            counter.finish(Opcode.STORE)
        if store.stored_o:
            counter.stored.append(counter.clock)
        if store.instructions_ready:
            self._note(Engine.STORE)
        counter.end_clock(self.core.sequencer)

    def _note(self, engine: Engine) -> None:
        instruction = self._queues[engine].front
        if instruction is not None:
            self.counter.begin(engine, instruction)
