"""Execute engine: passes to the core, with their tiles and their walks over the activation banks."""

from __future__ import annotations

from typing import NamedTuple

from skipbeat_arch import instruction as isa
from skipbeat_arch.decoding import decode
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine

#: More rows than any array has.
ALL_ROWS = 1 << 16


class Job(NamedTuple):
    """A pass's walk over the activation banks: loops, innermost first; null: no entry is read.

    All banks are read. The core takes what the first `rows` bring; the RTL's walk need not know how many they are.
    """

    null: bool
    n0: int
    n1: int
    n2: int
    n3: int
    step0: int
    step1: int
    step2: int
    step3: int
    base: int
    table: int
    signal: int
    rows: int = ALL_ROWS

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """The loops' counts."""
        return self.n0, self.n1, self.n2, self.n3

    @property
    def steps(self) -> tuple[int, int, int, int]:
        """The loops' steps."""
        return self.step0, self.step1, self.step2, self.step3


class TileRead(NamedTuple):
    """A tile in the weight memory."""

    address: int
    words: int


class ExecuteEngine:
    """Twin of the execute engine. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._loops = (0,) * 8

    def evaluate(
        self,
        instructions: int | None,
        some_i: int,
        halt_i: bool,
        commands_ready: bool,
        tiles_ready: bool,
        jobs_ready: bool,
    ) -> None:
        """Wires: `instructions_ready`, `take_o`, and the streams `commands` (a word), `tiles` and `jobs`."""
        self.instructions_ready, self.take_o = False, 0
        self.commands: int | None = None
        self.tiles: TileRead | None = None
        self.jobs: Job | None = None
        self._setup: isa.Setup | None = None
        if instructions is None or halt_i or not jobs_ready:
            return
        instruction = decode(instructions)
        if instruction is None or instruction.wait_bits & ~some_i:
            return
        if isinstance(instruction, isa.Setup):
            self._begin(instruction)
            self._setup = instruction
            if instruction.signal:
                self.jobs = self._job(True, 0, 0, instruction.signal_bits)
        elif isinstance(instruction, isa.Pass) and commands_ready and tiles_ready:
            self._pass(instruction)

    def _begin(self, instruction: Instruction) -> None:
        self.instructions_ready, self.take_o = True, instruction.wait_bits

    def _pass(self, instruction: isa.Pass) -> None:
        command = instruction.command
        self._begin(instruction)
        self.commands = command.word
        if command.load:
            self.tiles = TileRead(instruction.weights, instruction.words)
        walk = self._job(command.beat == 0, instruction.base, instruction.table, instruction.signal_bits)
        self.jobs = walk._replace(rows=command.rows)

    def _job(self, null: bool, base: int, table: int, signal: int) -> Job:
        return Job(null, *self._loops, base, table, signal)

    def update(self) -> None:
        """End of the clock."""
        if self._setup is not None:
            self._loops = (*self._setup.counts, *self._setup.steps)
