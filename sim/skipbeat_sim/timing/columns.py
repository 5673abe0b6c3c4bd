"""A program as the timing model reads it: a column of numbers for each field of its instructions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int64Array
from skipbeat_arch.decoding import INSTRUCTIONS
from skipbeat_arch.depths import output_vectors
from skipbeat_arch.engines import Engine, Kind, Opcode
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.instruction_columns import InstructionColumns
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
        count: vectors of a LOAD or STORE, entries of a ZERO, pixels of a SETUP's walk, blocks of a TURN.
        address: byte address that a LOAD reads, or a STORE or a TURN writes.
        kind: of a LOAD, and of a TURN its `lane`; banks: whether a LOAD enables any activation bank.
        words: of a PASS.
        pool, memory, local, residual: of a STORE. vectors: of each of its outputs. Of a TURN its vectors of a block
            that are written (`vectors`), and read (`residual`).
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
    def stores(self) -> Int64Array:
        """The numbers of the instructions that the store engine has vectors made for: STOREs and TURNs."""
        return np.flatnonzero((self.opcode == Opcode.STORE) | (self.opcode == Opcode.TURN))

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


def different_pairs(first: Int64Array, second: Int64Array) -> tuple[list[tuple[int, int]], Int64Array]:
    """The different pairs of two columns of 31 bits, and which of them each pair is."""
    keys, numbers = np.unique(first << 32 | second, return_inverse=True)
    return list(zip((keys >> 32).tolist(), (keys & (1 << 32) - 1).tolist(), strict=True)), numbers


def columns_of(machine: Machine, instructions: Sequence[Instruction], tiles: Sequence[TileStatistics]) -> Columns:
    """The columns of instructions; `tiles` are those of the PASSes that load one, in order.

    Raises:
        InputError: another number of tiles.
    """
    return read_columns(machine, InstructionColumns.of(instructions), tiles)


def read_columns(machine: Machine, read: InstructionColumns, tiles: Sequence[TileStatistics]) -> Columns:
    """The same of instructions that are columns of their fields."""
    table = np.zeros((len(FIELDS), len(read)), np.int64)
    table[:3] = read.opcode, read.wait, read.signal
    for opcode, fields in read.fields.items():
        for name, values in _read(machine, opcode, fields).items():
            table[FIELDS.index(name), read.at(opcode)] = values
    return Columns.of(table, PassColumns.of(read.commands(), tiles))


def _read(machine: Machine, opcode: Opcode, fields: Mapping[str, Int64Array]) -> Mapping[str, Int64Array]:
    """What instructions say beside their opcode and tokens, by the names of `FIELDS`."""
    match opcode:
        case Opcode.LOAD:
            named = {"address": fields["source"], **{name: fields[name] for name in ("count", "kind")}}
            return {**named, "banks": (fields["kind"] == Kind.ACTIVATIONS) & _enable(machine, fields)}
        case Opcode.ZERO:
            return {"count": fields["count"]}
        case Opcode.SETUP:
            return {"count": fields["n0"] * fields["n1"] * fields["n2"] * fields["n3"]}
        case Opcode.PASS:
            return {"words": fields["words"]}
        case Opcode.STORE:
            one = [output_vectors(raw=bool(n & 1), places=bool(n & 2)) for n in range(4)]
            vectors = np.array(one, np.int64)[(fields["raw"] != 0) + 2 * (fields["places"] != 0)]
            same = {name: fields[name] for name in ("count", "address", "pool", "memory", "local", "residual")}
            return {**same, "vectors": vectors}
        case Opcode.TURN:
            own = {"kind": fields["lane"], "vectors": fields["lanes"], "memory": np.ones_like(fields["count"])}
            own["residual"] = machine.vector * own["memory"]
            return {**own, **{name: fields[name] for name in ("count", "address")}}
    return {}


def _enable(machine: Machine, fields: Mapping[str, Int64Array]) -> BoolArray:
    """Whether each LOAD's period and bank meet any bank."""
    places = list(zip(fields["period"].tolist(), fields["bank"].tolist(), strict=True))
    known = {place: enables(machine, *place) for place in set(places)}
    return np.array([known[place] for place in places], np.bool_)


@cache
def enables(machine: Machine, period: int, bank: int) -> bool:
    """Whether what is written from a bank on, of every 2^period banks, meets any bank that there is."""
    period = (1 << period) - 1
    return any(((q ^ bank) & period) // machine.bundles == 0 for q in range(machine.hw.array.rows))
