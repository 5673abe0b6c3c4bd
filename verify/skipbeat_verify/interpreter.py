"""What a program image means, without any clock: the check of the compiler that shares nothing with it.

Queues, tokens and memories are those of docs/machine.md. Whatever may happen in either order does so at random, and
everything is read as late and written as early as the hardware might. Memories start with noise.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.command import Command, command_error
from skipbeat_arch.depths import ENGINE_QUEUE, FETCHER_ROOM, LOAD_QUEUE, MOST_TOKENS, PART_QUEUE
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.turn_instruction import Turn

from .core_streams import CorePass
from .interpreted_memories import InterpretedMemories

#: Jobs that are queued, read ahead and walked.
JOBS = PART_QUEUE + 2


class DeadlockError(AssertionError):
    """Nothing can go on, and the program has not ended."""


@dataclass
class _Pass:
    instruction: isa.Pass
    walk: isa.Setup | None
    begins: int
    ends: int
    bundles: Int64Array | None = None
    tile: Int64Array | None = None
    words: Bytes | None = None
    started: bool = False
    fetched: bool = False

    @property
    def command(self) -> Command:
        return self.instruction.command


class Interpreter:
    """Runs a program on a memory that it changes.

    Args:
        favour: names of actions that happen as soon as they can; `delay`: only when nothing else can.
        sums: int64 [items, C_arr] that the passes give, in their order, instead of what they compute: those of a core
            that ran elsewhere.
        kept: memories of a run of the same program that ended right before, on which this one relies.

    Attributes:
        done: the passes so far, as the core saw them.
    """

    def __init__(
        self,
        program: MachineProgram,
        hw: Hardware,
        memory: Bytes,
        seed: int,
        favour: str = "",
        delay: str = "",
        sums: Int64Array | None = None,
        kept: InterpretedMemories | None = None,
    ) -> None:
        self.machine, self.hw, self.memory = Machine.of(hw), hw, memory
        self.done: list[CorePass] = []
        self._given, self._taken = sums, 0
        self._rng = np.random.default_rng(seed)
        self._favour, self._delay = favour, delay
        self.memories = kept or InterpretedMemories(self.machine, self._rng)
        self.tokens = {(a, b): 0 for a in Engine for b in Engine if a != b}
        self.code = deque(program.decoded(again=kept is not None))
        header = self.code.popleft()
        assert isinstance(header, isa.Header)
        assert (header.version, header.fingerprint) == (VERSION, self.machine.fingerprint)
        self.queues: dict[Engine, deque[Instruction]] = {engine: deque() for engine in Engine}
        self.routes: deque[isa.Load] = deque()
        self.walk: isa.Setup | None = None
        self.passes: list[_Pass] = []
        self.fetched = self.started = self.computed = 0
        self.resident: Int64Array = np.zeros((hw.array.rows, hw.array.group, hw.array.cols), np.int64)
        self.geometry = (0, 0)
        self.sums = np.zeros((hw.accumulators.depth, hw.array.cols), np.int64)
        self.results: list[Int64Array] = []
        self.stage: isa.Store | Turn | None = None
        self.place: isa.Place | None = None
        self.writing: deque[tuple[isa.Store | Turn, Bytes]] = deque()
        self.ended = False

    def run(self) -> None:
        """Runs to END."""
        loads = (self._load_begin, self._load_end)
        passes = (self._execute, self._fetch, self._start, self._compute)
        stores = (self._store_begin, self._store_output, self._store_write)
        every: tuple[Callable[[], bool], ...] = (self._dispatch, *loads, *passes, *stores)
        actions = {action.__name__.removeprefix("_"): action for action in every}
        names = list(actions)
        while not self.ended:
            order = [names[i] for i in self._rng.permutation(len(names))]
            order.sort(key=self._rank)
            if not any(actions[name]() for name in order):
                heads = {e.name: q[0] if q else None for e, q in self.queues.items()}
                raise DeadlockError(f"{len(self.code)} instructions left, heads {heads}, tokens {self.tokens}")
        assert not self.code
        assert not any(self.queues.values())
        assert not self.routes
        assert self.computed == len(self.passes)
        assert not self.results

    def _rank(self, name: str) -> int:
        if self._favour and name.startswith(self._favour):
            return -1
        return int(bool(self._delay) and name.startswith(self._delay))

    def _take(self, own: Engine, instruction: Instruction) -> bool:
        if any(self.tokens[other, own] == 0 for other in instruction.wait):
            return False
        for other in instruction.wait:
            self.tokens[other, own] -= 1
        return True

    def _give(self, own: Engine, engines: tuple[Engine, ...]) -> None:
        for other in engines:
            self.tokens[own, other] += 1
            assert self.tokens[own, other] <= MOST_TOKENS

    def _dispatch(self) -> bool:
        engine = self.code[0].engine if self.code else None
        if engine is None or len(self.queues[engine]) >= ENGINE_QUEUE:
            return False
        self.queues[engine].append(self.code.popleft())
        return True

    def _load_begin(self) -> bool:
        queue = self.queues[Engine.LOAD]
        if not queue or len(self.routes) >= LOAD_QUEUE or (isinstance(queue[0], isa.Zero) and self.routes):
            return False
        if not self._take(Engine.LOAD, queue[0]):
            return False
        instruction = queue.popleft()
        if not isinstance(instruction, isa.Load) or instruction.kind == Kind.ACTIVATIONS:
            assert self.stage is None or not self.stage.local, "the banks have one write port"
        if isinstance(instruction, isa.Load):
            self.routes.append(instruction)
            return True
        assert isinstance(instruction, isa.Zero)
        self.memories.zero(instruction)
        self._give(Engine.LOAD, instruction.signal)
        return True

    def _load_end(self) -> bool:
        if not self.routes:
            return False
        instruction = self.routes.popleft()
        self.memories.load(instruction, self.memory)
        self._give(Engine.LOAD, instruction.signal)
        return True

    def _execute(self) -> bool:
        queue = self.queues[Engine.EXECUTE]
        if not queue or len(self.passes) - self.fetched >= JOBS or not self._take(Engine.EXECUTE, queue[0]):
            return False
        instruction = queue.popleft()
        if isinstance(instruction, isa.Setup):
            self.walk = instruction
            if not instruction.signal:
                return True
            raise AssertionError("a SETUP that signals: the interpreter has no job for it")
        assert isinstance(instruction, isa.Pass)
        command = instruction.command
        assert command_error(command, self.hw) == 0
        begins = self.passes[-1].ends if self.passes else 0
        items = command.pixels if command.beat else 0
        if items:
            assert self.walk is not None
            assert items == math.prod(self.walk.counts)
        self.passes.append(_Pass(instruction, self.walk, begins, begins + items))
        return True

    def _fetch(self) -> bool:
        """The last activation of a pass is read: at most 8 items are then still on their way to the core."""
        if self.fetched == len(self.passes):
            return False
        p = self.passes[self.fetched]
        if any(
            not q.started and q.begins + FETCHER_ROOM < p.ends for q in self.passes[self.started : self.fetched + 1]
        ):
            return False
        if p.command.beat:
            assert p.walk is not None
            p.bundles = self.memories.bundles(p.instruction, p.walk)
        p.fetched = True
        self.fetched += 1
        self._give(Engine.EXECUTE, p.instruction.signal)
        return True

    def _start(self) -> bool:
        """The core begins a pass, whose tile has left the weight buffer by then."""
        if self.started == len(self.passes) or self.started > self.computed:
            return False
        p = self.passes[self.started]
        if p.command.load:
            p.words, p.tile = self.memories.tile(p.instruction)
        p.started = True
        self.started += 1
        return True

    def _compute(self) -> bool:
        """A pass as a whole; its results need a STORE that takes them."""
        if self.computed == self.started:
            return False
        p = self.passes[self.computed]
        command = p.command
        if not p.fetched or (command.last and self.stage is None):
            return False
        if p.tile is not None:
            self.resident, self.geometry = p.tile, (command.beat, command.rows)
        if command.first:
            self.sums[: command.pixels] = 0
        if command.beat:
            assert self.geometry == (command.beat, command.rows)
            assert p.bundles is not None
            self.sums[: command.pixels] += np.tensordot(p.bundles, self.resident[: command.rows], axes=2)
        sums = self._leaving(command.pixels) if command.last else None
        if sums is not None:
            self.results.append(sums)
        bundles = np.zeros((0, 0, self.hw.array.group)) if p.bundles is None else p.bundles
        self.done.append(CorePass(command=command, words=p.words, bundles=bundles.astype(np.int8), sums=sums))
        p.bundles = p.tile = None
        self.computed += 1
        return True

    def _leaving(self, pixels: int) -> Int64Array:
        """The sums [pixels, C_arr] that leave the core: its own, or those that were given."""
        if self._given is None:
            return self.sums[:pixels].copy()
        self._taken += pixels
        return self._given[self._taken - pixels : self._taken]

    def _store_begin(self) -> bool:
        queue = self.queues[Engine.STORE]
        if not queue or self.stage is not None:
            return False
        head = queue[0]
        if isinstance(head, isa.Place):
            self.place = head
            queue.popleft()
            return True
        if isinstance(head, isa.End):
            self.ended = not self.writing and self._take(Engine.STORE, head)
            if self.ended:
                queue.popleft()
            return self.ended
        assert isinstance(head, isa.Store | Turn)
        if len(self.writing) >= 2 or not self._take(Engine.STORE, head):
            return False
        self.stage = head
        queue.popleft()
        if self.stage.local:
            assert not any(r.kind == Kind.ACTIVATIONS for r in self.routes), "the banks have one write port"
        return True

    def _store_output(self) -> bool:
        if self.stage is None or (out := self.memories.made(self.stage, self.results)) is None:
            return False
        assert len(out) <= self.machine.output_depth
        if self.stage.local:
            assert self.place is not None
            self.memories.place(self.place, out)
        self._give(Engine.STORE, tuple(e for e in self.stage.signal if e == Engine.EXECUTE))
        self.writing.append((self.stage, out))
        self.stage = None
        return True

    def _store_write(self) -> bool:
        if not self.writing:
            return False
        instruction, data = self.writing.popleft()
        address = instruction.address
        if instruction.memory:
            self.memory[address : address + data.size] = data.ravel()
        self._give(Engine.STORE, tuple(e for e in instruction.signal if e == Engine.LOAD))
        return True
