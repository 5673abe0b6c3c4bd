"""The whole accelerator: three engines, memories and masters around the core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from skipbeat_arch.depths import ENGINE_QUEUE, PART_QUEUE, READER_OWNERS
from skipbeat_arch.instruction import Engine, Instruction, Opcode, TokenPair, decode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError

from ..core.core import Core
from ..core.fifo import Fifo
from .axi import ReadBeat, address_ports
from .counters import MachineCounter
from .execute import ExecuteEngine, Job, TileRead
from .fetch import Fetch
from .fetcher import Fetcher
from .load import LoadEngine
from .memories import Memories
from .output import OutputStage
from .reader import Reader
from .store import StoreEngine
from .tokens import Tokens
from .weight_reader import WeightReader
from .writer import Writer

#: The counters that each engine takes from and gives to, in the order of their bits.
TAKEN = {engine: TokenPair.taken_by(engine) for engine in Engine}
GIVEN = {engine: TokenPair.given_by(engine) for engine in Engine}


def _pick(some: int, engine: Engine) -> int:
    """Of the counters that are not zero those that an engine takes from, 2 bits."""
    first, second = TAKEN[engine]
    return some >> first & 1 | (some >> second & 1) << 1


class _Part(Protocol):
    def reset(self) -> None:
        """All registers."""


class MachineTop:
    """Twin of the machine. `evaluate` sets the wires of the clock, `update` ends it.

    The native bus is that of the reader (`reader.ar`), the writer (`writer.aw`, `writer.w`), and the arguments of
    `evaluate`.

    Attributes:
        busy, done, error: the registers at the ports `busy_o`, `done_o` and `error_o` (a `MachineError`, or a
            `CoreError` below 16).
        counter: what happened so far; a reset does not clear it.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        hw = machine.hw
        self.core, self.tokens, self.memories = Core(hw), Tokens(), Memories(machine)
        self.reader, self.writer, self.fetch = Reader(machine), Writer(machine), Fetch(machine)
        self.load, self.execute, self.store = LoadEngine(machine), ExecuteEngine(machine), StoreEngine(machine)
        self.weight_reader, self.fetcher, self.output = WeightReader(machine), Fetcher(machine), OutputStage(machine)
        self._queues: list[Fifo[int]] = [Fifo(ENGINE_QUEUE) for _ in Engine]
        self._jobs: Fifo[Job] = Fifo(PART_QUEUE)
        self._tiles: Fifo[TileRead] = Fifo(PART_QUEUE)
        # whose vectors come back: True for fetch
        self._owners: Fifo[bool] = Fifo(READER_OWNERS)
        self.counter = MachineCounter(machine)
        self.busy = self.done = False
        self.error = 0
        self._begin: tuple[int, int] | None = None

    def _reset_parts(self) -> None:
        parts: tuple[_Part, ...] = (
            self.core,
            self.tokens,
            self.reader,
            self.writer,
            self.fetch,
            self.load,
            self.execute,
            self.store,
            self.weight_reader,
            self.fetcher,
            self.output,
            *self._queues,
            self._jobs,
            self._tiles,
            self._owners,
        )
        for part in parts:
            part.reset()

    def reset(self) -> None:
        """Everything but the memories."""
        self._reset_parts()
        self.busy = self.done = False
        self.error = 0
        self._begin = None

    def evaluate(
        self,
        start: tuple[int, int] | None,
        *,
        ar_ready: bool = True,
        r: ReadBeat | None = None,
        aw_ready: bool = True,
        w_ready: bool = False,
        b_resp: int | None = None,
    ) -> None:
        """Wires of the clock.

        Args:
            start: address and count while `start_i` is set, else None.
            r, b_resp: a beat on `r`, a response on `b`, None if there is none.
        """
        self._start = start if start is not None and not self.busy else None
        self._halt = halt = self.error != 0 or self.done
        self.reader.evaluate(ar_ready, r)
        self.writer.evaluate(aw_ready, w_ready, b_resp)
        queues, some = self._queues, self.tokens.some
        self.fetch.evaluate((queues[0].ready, queues[1].ready, queues[2].ready), halt)
        beat = self.reader.beat
        self._for_fetch = beat is not None and bool(self._owners.front)
        self.load.evaluate(self._head(Engine.LOAD), _pick(some, Engine.LOAD), None if self._for_fetch else beat, halt)
        self._evaluate_requests()
        self._evaluate_core(some, halt)
        self.store.evaluate(self._head(Engine.STORE), _pick(some, Engine.STORE), self.output.vector, halt)
        self._conflict = self._written_twice()
        self._evaluate_tokens()

    def _written_twice(self) -> MachineError:
        loaded, stored = self.load.bank_write, self.store.local_write
        both = loaded is not None and stored is not None and loaded.enable and stored.enable
        return MachineError.BANK_CONFLICT if both else MachineError.NONE

    def _evaluate_requests(self) -> None:
        ready = self.reader.requests_ready and self._owners.ready
        self._fetch_granted = ready
        self._load_granted = ready and self.fetch.request is None
        self._request = None
        if ready:
            self._request = self.fetch.request or self.load.request

    def _evaluate_core(self, some: int, halt: bool) -> None:
        core, output = self.core, self.output
        self.execute.evaluate(
            self._head(Engine.EXECUTE),
            _pick(some, Engine.EXECUTE),
            halt,
            commands_ready=core.accepts_command,
            tiles_ready=self._tiles.ready,
            jobs_ready=self._jobs.ready,
        )
        self.weight_reader.evaluate()
        self.fetcher.evaluate()
        output.evaluate(core.results.valid)
        core.evaluate(self.execute.command, self.weight_reader.front, self.fetcher.front, output.results_ready)

    def _evaluate_tokens(self) -> None:
        load, execute, store = self.load, self.execute, self.store
        taken = load.take(self._load_granted), execute.take, store.take(not self.output.busy)
        given = load.give, self.fetcher.give, store.give
        take = give = 0
        for engine in Engine:
            for bit, (taker, giver) in enumerate(zip(TAKEN[engine], GIVEN[engine], strict=True)):
                take |= (taken[engine] >> bit & 1) << taker
                give |= (given[engine] >> bit & 1) << giver
        self.tokens.evaluate(take, give)

    def _head(self, engine: Engine) -> Instruction | None:
        word = self._queues[engine].front
        return None if word is None else decode(word)

    def update(self) -> None:
        """End of the clock."""
        if self.busy or self._start:
            self._count()
        memories, begin, self._begin = self.memories, self._begin, None
        self._update_status()
        # what the memories show in this clock, before they are read again
        weight, parameter, residual, output = memories.weight, memories.parameter, memories.residual, memories.output
        table, banks = memories.table, memories.banks
        self._update_memories()
        self._update_queues()
        jobs_ready, results = not self.output.busy, self.core.results.payload
        self.store.update(jobs_ready, not self.writer.active, self.writer.done)
        job = self.store.job if jobs_ready else None
        self.output.update(job, results, parameter, residual)
        self.writer.update(self.store.request if not self.writer.active else None, output)
        self.fetcher.update(self._next_job, table, banks, self.core.bundles_ready)
        self.weight_reader.update(self._next_tile, weight, self.core.weights_ready)
        self.execute.update()
        self.load.update(self._load_granted)
        self.fetch.update(begin, self.reader.beat if self._for_fetch else None, self._fetch_granted)
        self.reader.update(self._request)
        self.tokens.update()
        self.core.update()
        if self._start is not None:
            self._reset_parts()

    def _update_status(self) -> None:
        if self._start is not None:
            self.busy, self.done, self.error, self._begin = True, False, 0, self._start
        elif self.busy:
            if self._halt and self.reader.quiet and not self.writer.active:
                self.busy = False
            self.done = self.done or self.store.end
            if not self.error:
                masters = self.fetch.error, self.reader.error, self.writer.error
                errors = *masters, self.tokens.error, self._conflict, self.core.error
                self.error = int(next((error for error in errors if error), MachineError.NONE))

    def _update_memories(self) -> None:
        """Reads first: they see older writes only."""
        memories, fetcher, output = self.memories, self.fetcher, self.output
        if self.weight_reader.read:
            memories.read_weight(self.weight_reader.address)
        if fetcher.table_enable and fetcher.ahead is not None:
            memories.read_table(fetcher.ahead.table)
        if fetcher.bank_read is not None:
            memories.read_banks(fetcher.bank_read)
        if output.busy:
            memories.read_parameter(output.parameter_address)
            memories.read_residual(output.residual_address)
        if self.writer.fetch:
            memories.read_output(self.writer.read_address)
        if self.load.memory_write is not None:
            memories.write(self.load.memory_write)
        stored = self.store.local_write
        bank_write = stored if stored is not None and stored.enable else self.load.bank_write
        if bank_write is not None:
            memories.write_banks(bank_write)
        if self.store.write_address is not None and output.vector is not None:
            memories.write_output(self.store.write_address, output.vector.data)

    def _update_queues(self) -> None:
        execute, queues, fetch = self.execute, self._queues, self.fetch
        jobs, tiles = self._jobs, self._tiles
        self._next_job = jobs.front if self.fetcher.jobs_ready else None
        self._next_tile = tiles.front if self.weight_reader.tiles_ready else None
        jobs.update(self._next_job is not None, execute.job)
        tiles.update(self._next_tile is not None, execute.tile)
        offered, engine = fetch.offer if fetch.offer is not None and fetch.takes else (None, Engine.LOAD)
        taken = (self.load.ready(self._load_granted), execute.begins, self.store.ready(not self.output.busy))
        for number, queue in enumerate(queues):
            queue.update(taken[number], offered if number == engine else None)
        beat = self.reader.beat
        owner = None if self._request is None else fetch.request is not None
        self._owners.update(beat is not None and beat.final, owner)

    def _count(self) -> None:
        counter, load, store = self.counter, self.load, self.store
        beat = self.reader.beat
        if beat is not None:
            route = None if self._for_fetch else load.route
            counter.read(None if route is None else route.kind)
        if load.begins_zero or (load.request is not None and self._load_granted):
            self._note(Engine.LOAD)
        if load.ends_zero:
            counter.finish(Opcode.ZERO)
        elif load.final:
            counter.finish(Opcode.LOAD)
        if self.execute.begins:
            self._note(Engine.EXECUTE)
        if store.popped(self.writer.done):
            counter.finish(Opcode.STORE)
        if store.finished:
            counter.stored.append(counter.clock)
        if store.ready(not self.output.busy):
            self._note(Engine.STORE)
        counter.end_clock(self.core.sequencer)

    def _note(self, engine: Engine) -> None:
        instruction = self._queues[engine].front
        if instruction is not None:
            self.counter.begin(engine, instruction)

    def _evaluate_ports(self, inputs: Mapping[str, int]) -> None:
        beat = ReadBeat(inputs["bus__rdata"], inputs["bus__rresp"], bool(inputs["bus__rlast"]))
        self.evaluate(
            (inputs["address_i"], inputs["count_i"]) if inputs["start_i"] else None,
            ar_ready=bool(inputs["bus__arready"]),
            r=beat if inputs["bus__rvalid"] else None,
            aw_ready=bool(inputs["bus__awready"]),
            w_ready=bool(inputs["bus__wready"]),
            b_resp=inputs["bus__bresp"] if inputs["bus__bvalid"] else None,
        )

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        self._evaluate_ports(inputs)
        self.update()
        if inputs.get("rst", 0):
            self.reset()

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; payloads are 0 while they are not valid."""
        self._evaluate_ports(inputs)
        data, last = self.writer.w or (0, False)
        return {
            "busy_o": int(self.busy),
            "done_o": int(self.done),
            "error_o": int(self.error),
            "stored_o": int(self.store.finished),
            **address_ports("ar", self.reader.ar, self._machine),
            "bus__rready": 1,
            **address_ports("aw", self.writer.aw, self._machine),
            "bus__wvalid": int(self.writer.w is not None),
            "bus__wdata": data,
            "bus__wstrb": (1 << self._machine.beat_bytes) - 1,
            "bus__wlast": int(last),
            "bus__bready": 1,
        }
