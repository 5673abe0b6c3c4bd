"""The regression that mutants must survive: programs of a machine with what the cycle model says of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from skipbeat_arch.instruction import Engine, Instruction, Kind, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Counter
from skipbeat_hw.simulation.machine_driver import MachineRun, VerilatedMachine
from skipbeat_sim.machine.runner import run_machine
from tests.sim.machine.hand_programs import image
from tests.sim.machine.machine_loads import Bytes
from tests.sim.machine.machine_programs import MachineProgram

#: The model's longest run.
MAX_CLOCKS = 20_000
#: Clocks that a mutant may take more than the model before it counts as hanging.
MARGIN = 200
STALL_PERCENT = 35
#: How much longer a run takes when its memory refuses so often, generously.
STALLED = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A run and what must come of it.

    Attributes:
        memory, count: the program, at address 0, and its memory.
        cycles, done, error, stored, bytes_moved, after: what the model says.
        stall_seed: the memory refuses at random; clocks are then not compared. reset_at: a reset in mid-run.
    """

    name: str
    memory: Bytes
    count: int
    cycles: int
    done: bool
    error: int
    stored: tuple[int, ...]
    bytes_moved: tuple[int, int]
    after: Bytes
    stall_seed: int | None = None
    reset_at: int | None = None

    @property
    def exact(self) -> bool:
        """Whether clocks are compared."""
        return self.stall_seed is None

    def run(self, rtl: VerilatedMachine, mutant: int) -> MachineRun:
        """Run it on the RTL."""
        longest = (self.cycles if self.exact else self.cycles * STALLED) + MARGIN
        return rtl.run(
            self.memory, 0, self.count, max_clocks=longest, mutant=mutant, reset_at=self.reset_at,
            stall_percent=0 if self.exact else STALL_PERCENT, seed=self.stall_seed or 0,
        )  # fmt: skip

    def holds(self, run: MachineRun) -> bool:
        """Whether a run is as it must be."""
        counted = run.counters[Counter.CYCLES] == sum(run.counters[c] for c in Counter if 0 < c < Counter.READ_BEATS)
        same = (run.done, run.error) == (self.done, self.error) and counted and np.array_equal(run.memory, self.after)
        if not self.exact:
            return same and len(run.stored) == len(self.stored)
        moved = (run.bytes_read, run.bytes_written)
        return same and (run.cycles, run.stored, moved) == (self.cycles, self.stored, self.bytes_moved)


def cases(machine: Machine) -> list[Case]:
    """All cases: sound programs, contradictory ones, an unwilling memory, resets."""
    found: list[Case] = []
    for name, memory, count in (*_sound(machine), *_contradictory(machine)):
        model = run_machine(machine, memory, 0, count, max_clocks=MAX_CLOCKS)
        if model.cycles >= MAX_CLOCKS - 1:
            raise ValueError(f"{name}: the model does not end")
        found.append(
            Case(
                name=name, memory=memory, count=count, cycles=model.cycles, done=model.done, error=model.error,
                stored=model.stored, bytes_moved=(model.bytes_read, model.bytes_written), after=model.memory,
            )
        )  # fmt: skip
    sound = [case for case in found if case.done]
    for seed, case in enumerate(sound[:6]):
        found.append(replace(case, name=f"{case.name}, stalled", stall_seed=seed))
    for seed, case in enumerate(sound[6:9]):
        clock = int(np.random.default_rng(seed).integers(2, case.cycles))
        found.append(replace(case, name=f"{case.name}, reset at {clock}", reset_at=clock))
    return found


def _sound(machine: Machine) -> Iterator[tuple[str, Bytes, int]]:
    for seed in range(16):
        rng = np.random.default_rng(seed)
        program = MachineProgram.random(machine, rng, units=int(rng.integers(1, 6)))
        yield f"random program {seed}", program.memory, len(program.instructions)


def _contradictory(machine: Machine) -> Iterator[tuple[str, Bytes, int]]:
    for seed in range(4):
        program = MachineProgram.random(machine, np.random.default_rng([1, seed]), units=2)
        count = len(program.instructions)
        yield f"cut short {seed}", program.memory, count // (seed + 2)
        for kind, change in (("header", 1 + 2 * seed), ("opcode", 12), ("source", 0)):
            yield f"{kind} {seed}", _damaged(program, kind, change), count
    for seed in range(10):
        program = MachineProgram.random(machine, np.random.default_rng([2, seed]), units=2)
        yield f"damaged tile {seed}", _damaged_tile(program, seed), len(program.instructions)
    for seed in range(4):
        program = MachineProgram.random(machine, np.random.default_rng([3, seed]), units=4)
        memory = program.memory.copy()
        for place, instruction in enumerate(program.instructions):
            if instruction.opcode in (Opcode.LOAD, Opcode.ZERO):
                _put(memory, place, replace(instruction, wait=()))
        yield f"hasty loads {seed}", memory, len(program.instructions)
    for sink in (Engine.EXECUTE, Engine.STORE):
        yield f"tokens to {sink.name.lower()}", *_too_many_tokens(machine, sink)


def _put(memory: Bytes, place: int, instruction: Instruction) -> None:
    word = instruction.to_word().to_bytes(16, "little")
    memory[16 * place : 16 * place + 16] = np.frombuffer(word, np.uint8)


def _damaged(program: MachineProgram, kind: str, change: int) -> Bytes:
    memory = program.memory.copy()
    if kind == "header":
        memory[change % 6] ^= 1 << (change % 8)
    elif kind == "opcode":
        memory[16 * (len(program.instructions) // 2)] |= change
    else:
        place = next(i for i, x in enumerate(program.instructions) if x.opcode == Opcode.LOAD)
        load = program.instructions[place]
        _put(memory, place, replace(load, fields={**load.fields, "source": load.fields["source"] | 1 << 30}))
    return memory


def _damaged_tile(program: MachineProgram, seed: int) -> Bytes:
    """One bit of the first words of a tile's metadata, or of a PASS's descriptor."""
    rng, memory = np.random.default_rng([4, seed]), program.memory.copy()
    tiles = [i for i in program.instructions if i.opcode == Opcode.LOAD and i.fields["kind"] == Kind.WEIGHTS]
    source = tiles[int(rng.integers(len(tiles)))].fields["source"]
    memory[source + int(rng.integers(program.machine.vector))] ^= 1 << int(rng.integers(8))
    return memory


def _too_many_tokens(machine: Machine, sink: Engine) -> tuple[Bytes, int]:
    from skipbeat_arch.instruction import VERSION

    place = {"to": 0, "width": 1, "pitch": 1, "period": 2, "bank": 0}
    fields = {**place, "kind": Kind.WEIGHTS, "count": 1, "source": 0x1000}
    load = Instruction(Opcode.LOAD, fields, (), (sink,))
    header = Instruction(Opcode.HEADER, {"version": VERSION, "fingerprint": machine.fingerprint})
    program = [header, *[load] * 70, Instruction(Opcode.END)]
    return image(program), len(program)
