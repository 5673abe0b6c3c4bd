"""Execute engine: passes to the core, with their tiles and their walks over the activation banks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from skipbeat_arch import instruction as isa
from skipbeat_arch import ports
from skipbeat_arch.instruction import Instruction, decode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import JOB, TILE_READ

Four = tuple[int, int, int, int]


class Job(NamedTuple):
    """A pass's walk over the activation banks: loops, innermost first; null: no entry is read."""

    null: bool
    counts: Four
    steps: Four
    base: int
    table: int
    signal: int

    def to_word(self) -> int:
        """The `JOB` word."""
        loops = {f"n{k}": n for k, n in enumerate(self.counts)} | {f"step{k}": s for k, s in enumerate(self.steps)}
        rest = {"null": int(self.null), "base": self.base, "table": self.table, "signal": self.signal}
        return ports.pack(JOB, loops | rest)

    @classmethod
    def from_word(cls, word: int) -> Job:
        """Inverse of `to_word`."""
        f = ports.unpack(JOB, word)
        counts, steps = _loops(f)
        return cls(bool(f["null"]), counts, steps, f["base"], f["table"], f["signal"])


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
        self._counts: Four = (0, 0, 0, 0)
        self._steps: Four = (0, 0, 0, 0)

    def evaluate(
        self,
        instruction: Instruction | None,
        some: int,
        halt: bool,
        *,
        commands_ready: bool,
        tiles_ready: bool,
        jobs_ready: bool,
    ) -> None:
        """Wires: `begins`, `take` (2 bits), and `command`, `tile`, `job` (None: not valid).

        Args:
            instruction: on the stream, None if there is none.
            some: `some_i`, 2 bits.
        """
        self.begins, self.take = False, 0
        self.command: int | None = None
        self.tile: TileRead | None = None
        self.job: Job | None = None
        self._instruction = instruction
        if instruction is None or halt or not jobs_ready or instruction.wait_bits & ~some:
            return
        if isinstance(instruction, isa.Setup):
            self._begin(instruction)
            if instruction.signal:
                self.job = Job(True, self._counts, self._steps, 0, 0, instruction.signal_bits)
        elif isinstance(instruction, isa.Pass) and commands_ready:
            self._pass(instruction, tiles_ready)

    def _begin(self, instruction: Instruction) -> None:
        self.begins, self.take = True, instruction.wait_bits

    def _pass(self, instruction: isa.Pass, tiles_ready: bool) -> None:
        command = instruction.command
        if command.load and not tiles_ready:
            return
        self._begin(instruction)
        self.command = command.word
        if command.load:
            self.tile = TileRead(instruction.weights, instruction.words)
        null, signal = command.beat == 0, instruction.signal_bits
        self.job = Job(null, self._counts, self._steps, instruction.base, instruction.table, signal)

    def update(self) -> None:
        """End of the clock."""
        instruction = self._instruction
        if self.begins and isinstance(instruction, isa.Setup):
            self._counts, self._steps = instruction.counts, instruction.steps

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        self.evaluate(
            decode(inputs["instructions__payload"]) if inputs["instructions__valid"] else None,
            inputs["some_i"],
            bool(inputs["halt_i"]),
            commands_ready=bool(inputs["commands__ready"]),
            tiles_ready=bool(inputs["tiles__ready"]),
            jobs_ready=bool(inputs["jobs__ready"]),
        )

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; payloads are 0 while they are not valid."""
        self._evaluate(inputs)
        tile = self.tile or TileRead(0, 0)
        return {
            "instructions__ready": int(self.begins),
            "commands__valid": int(self.command is not None),
            "commands__payload": self.command or 0,
            "tiles__valid": int(self.tile is not None),
            "tiles__payload": ports.pack(TILE_READ, tile._asdict()),
            "jobs__valid": int(self.job is not None),
            "jobs__payload": self.job.to_word() if self.job else 0,
            "take_o": self.take,
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `some_i` is (LX, SX)."""
        self._evaluate(inputs)
        self.update()
        if inputs.get("rst", 0):
            self.reset()


def _loops(fields: Mapping[str, int]) -> tuple[Four, Four]:
    values = [fields[name] for name, _ in isa.Setup.layout()]
    return (values[0], values[1], values[2], values[3]), (values[4], values[5], values[6], values[7])
