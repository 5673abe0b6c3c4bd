"""A program as the timing model reads it: a column of numbers for each field of its instructions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.decoding import INSTRUCTIONS
from skipbeat_arch.engines import Engine, Kind, Opcode
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics

from .pass_columns import PassColumns

#: Names of the columns that an instruction fills; a PASS has two more.
FIELDS = (
    *("opcode", "wait", "signal", "count", "address", "kind", "banks", "words"),
    *("pool", "vectors", "memory", "local", "residual"),
)
#: The engine of each opcode, int64 [codes]; -1 for none.
ENGINE_OF = np.full(max(Opcode) + 1, -1, np.int64)
for _code, _made in INSTRUCTIONS.items():
    ENGINE_OF[_code] = -1 if _made.engine is None else _made.engine


class NotAlikeError(Exception):
    """What is left out of a program may not run as what stands for it."""


class Cut(NamedTuple):
    """Where a program is cut short: instructions come `times` times more, right after they came.

    Cuts may lie in one another. What comes after the stop begins as what comes after the start does.

    Attributes:
        places: from-to, where one stands for what was left out if the machine goes on from its stop as from its start;
            which one does not matter.
    """

    places: tuple[tuple[int, int], ...]
    times: int


def times_of(count: int, cuts: Sequence[Cut]) -> Int64Array:
    """How often each of so many things comes of which some are left out, int64 [things]."""
    times = np.ones(count, np.int64)
    for places, more in cuts:
        times[slice(*places[0])] *= more + 1
    return times


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """A program, field by field; all int64 [instructions], and 0 where an instruction has no such field.

    Attributes:
        opcode: an `Opcode`.
        wait, signal: a bit for each engine.
        count: vectors of a LOAD or STORE, entries of a ZERO, pixels of a SETUP's walk.
        address: byte address that a LOAD reads or a STORE writes.
        kind: of a LOAD; banks: whether it enables any activation bank.
        words: of a PASS.
        pool, memory, local, residual: of a STORE. vectors: of each of its outputs.
        passes: commands and tiles of all PASSes.
        cuts: what is left out of the program.
        times: how often each comes, int64 [instructions], or all of them.
    """

    opcode: Int64Array
    wait: Int64Array
    signal: Int64Array
    count: Int64Array
    address: Int64Array
    kind: Int64Array
    banks: Int64Array
    words: Int64Array
    pool: Int64Array
    vectors: Int64Array
    memory: Int64Array
    local: Int64Array
    residual: Int64Array
    passes: PassColumns
    cuts: tuple[Cut, ...] = ()
    times: Int64Array | int = 1

    @classmethod
    def of(cls, table: Int64Array, passes: PassColumns) -> Columns:
        """A program by its columns, int64 [FIELDS, instructions]."""
        columns: dict[str, Any] = dict(zip(FIELDS, table, strict=True))
        return cls(**columns, passes=passes)

    def __len__(self) -> int:
        return self.opcode.size

    @cached_property
    def engine(self) -> Int64Array:
        """The engine of each instruction, -1 for none."""
        return ENGINE_OF[self.opcode]

    def title(self, number: int) -> str:
        """An instruction as messages call it."""
        return f"instruction {number} ({INSTRUCTIONS[Opcode(int(self.opcode[number]))].title})"

    def at(self, opcode: Opcode) -> Int64Array:
        """The numbers of the instructions with an opcode."""
        return self._numbers[opcode]

    @cached_property
    def _numbers(self) -> tuple[Int64Array, ...]:
        return tuple(np.flatnonzero(self.opcode == code) for code in range(max(Opcode) + 1))

    @cached_property
    def of_engine(self) -> tuple[Int64Array, ...]:
        """The numbers of the instructions of each engine."""
        return tuple(np.flatnonzero(self.engine == each) for each in Engine)

    @cached_property
    def jobs(self) -> Int64Array:
        """The numbers of the instructions that are jobs of the fetcher: PASSes, and others that give its tokens."""
        executed = self.engine == Engine.EXECUTE
        return np.flatnonzero(executed & ((self.opcode == Opcode.PASS) | (self.signal > 0)))

    def some(self, numbers: Int64Array) -> Columns:
        """These instructions alone, in ascending order."""
        passes = np.cumsum(self.opcode == Opcode.PASS)[numbers][self.opcode[numbers] == Opcode.PASS] - 1
        taken = Columns.of(np.stack([getattr(self, each)[numbers] for each in FIELDS]), self.passes.some(passes))
        return taken if isinstance(self.times, int) else dataclasses.replace(taken, times=self.times[numbers])

    def cut_short(self, cuts: Sequence[Cut]) -> Columns:
        """The same with what is left out of it."""
        times = times_of(len(self), cuts)
        passes = dataclasses.replace(self.passes, times=times[self.at(Opcode.PASS)])
        return dataclasses.replace(self, cuts=tuple(cuts), times=times, passes=passes)

    @cached_property
    def total(self) -> int:
        """Instructions, and those that are left out."""
        return int(np.sum(np.broadcast_to(self.times, len(self))))


def columns_of(machine: Machine, instructions: Sequence[Instruction], tiles: Sequence[TileStatistics]) -> Columns:
    """The columns of instructions; `tiles` are those of the PASSes that load one, in order.

    Raises:
        InputError: another number of tiles.
    """
    table = np.array([_row(machine, each) for each in instructions], np.int64).reshape(-1, len(FIELDS)).T
    commands = [each.command for each in instructions if isinstance(each, isa.Pass)]
    return Columns.of(table, PassColumns.of(commands, tiles))


def _row(machine: Machine, each: Instruction) -> tuple[int, ...]:
    """What an instruction says, in the order of `FIELDS`."""
    common = each.opcode, engine_bits(each.wait), engine_bits(each.signal)
    match each:
        case isa.Load():
            banks = each.kind == Kind.ACTIVATIONS and enables(machine, each.period, each.bank)
            return *common, each.count, each.source, each.kind, banks, *[0] * 6
        case isa.Zero():
            return *common, each.count, *[0] * 9
        case isa.Setup():
            return *common, prod(each.counts), *[0] * 9
        case isa.Pass():
            return *common, *[0] * 4, each.words, *[0] * 5
        case isa.Store():
            fields = each.pool, each.vectors, each.memory, each.local, each.residual
            return *common, each.count, each.address, 0, 0, 0, *fields
    return *common, *[0] * 10


@cache
def engine_bits(engines: tuple[Engine, ...]) -> int:
    """A bit for each engine."""
    return sum(1 << engine for engine in set(engines))


@cache
def enables(machine: Machine, period: int, bank: int) -> bool:
    """Whether what is written from a bank on, of every 2^period banks, meets any bank that there is."""
    period = (1 << period) - 1
    return any(((q ^ bank) & period) // machine.bundles == 0 for q in range(machine.hw.array.rows))
