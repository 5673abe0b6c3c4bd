"""The tiles of a program, read from its memory image as far as the timing model needs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from skipbeat_arch.arrays import Bytes, Int64Array, UInt32Array
from skipbeat_arch.command import Encoding, metadata_bits
from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.instruction_columns import InstructionColumns
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.tile import TileStatistics, stored_columns

from .columns import Columns, read_columns
from .program_check import check_header

#: Groups of weights that are counted at a time.
_AT_ONCE = 1 << 20
#: The address of what nothing has loaded; no byte has it.
_NOWHERE = (1 << 32) - 1


def stored_tiles(
    machine: Machine, image: Bytes, instructions: Sequence[Instruction], before: Sequence[Instruction] = ()
) -> list[TileStatistics]:
    """The tiles of the PASSes that load one, in order, as the LOADs before each of them have left the weight buffer.

    Args:
        image: uint8 [bytes], the memory from address 0 on; must hold all weights.
        before: instructions that ran right before these, and left what they loaded.

    Raises:
        InputError: weights outside the image or the buffer, a tile whose words its metadata contradict, or one that
            nothing has loaded.
    """
    return read_tiles(machine, image, InstructionColumns.of(instructions), InstructionColumns.of(before))


def read_tiles(
    machine: Machine, image: Bytes, instructions: InstructionColumns, before: InstructionColumns | None = None
) -> list[TileStatistics]:
    """The same of instructions that are columns of their fields."""
    buffer = _WeightBuffer(machine, image.size)
    if before is not None:
        buffer.load(*_weight_loads(before))
    number, kinds, addresses, begins = buffer.follow(instructions)
    if not number.size:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(image, machine.vector)
    tiles = np.empty(number.size, np.object_)
    for kind, own in _alike(kinds):
        at = addresses[begins[own, None] + np.arange(kind.words)]
        first, places = _different(at if _apart(at) else at[:, :1])
        found = _Counted(machine, kind)
        for start in range(0, len(first), step := max(1, _AT_ONCE // max(1, kind.rows * machine.hw.array.cols))):
            chosen = first[start : start + step]
            found.add(windows[at[chosen]], number[own[chosen]])
        tiles[own] = found.statistics()[places]
    return list(tiles)


#: What was read of the last program, of first runs and of those right after another one.
_READ: WeakKeyDictionary[MachineProgram, dict[tuple[int, bool], Columns]] = WeakKeyDictionary()


def program_columns(program: MachineProgram, machine: Machine, *, again: bool = False) -> Columns:
    """A program as the timing model reads it, or a run of it right `again`; what was read last is not read twice.

    Raises:
        InputError: as of `stored_tiles`, or a program for another hardware.
    """
    if program not in _READ:
        _READ.clear()
    known, key = _READ.setdefault(program, {}), (machine.fingerprint, again)
    if key not in known:
        read, before = program.columns(again=again), program.columns() if again else None
        check_header(machine, read)
        known[key] = read_columns(machine, read, read_tiles(machine, program.image, read, before))
    return known[key]


class _Kind(NamedTuple):
    """What tiles that are counted together have in common: fields of the PASSes that load them."""

    rows: int
    cols: int
    beat: int
    encoding: int
    words: int


def _alike(kinds: Int64Array) -> Iterator[tuple[_Kind, Int64Array]]:
    """The different rows of [passes, 5], and the passes that have each of them."""
    first, of = _different(kinds)
    parts = np.split(np.argsort(of, kind="stable"), np.cumsum(np.bincount(of))[:-1])
    return zip((_Kind(*row) for row in kinds[first].tolist()), parts, strict=True)


def _apart(at: UInt32Array) -> bool:
    """Whether tiles whose first words have an address, uint32 [tiles, words], may differ in those of the others."""
    steps = at[:, 1:] - at[:, :-1]
    return bool((steps != steps[:1]).any())


def _different(rows: Int64Array | UInt32Array) -> tuple[Int64Array, Int64Array]:
    """Where the different rows first are, in their order, and which of them each one is."""
    size = rows.shape[1] * rows.itemsize
    if not size:
        return np.zeros(1, np.int64), np.zeros(len(rows), np.int64)
    numbers: dict[bytes, int] = {}
    data = np.ascontiguousarray(rows).tobytes()
    of = [numbers.setdefault(data[at : at + size], len(numbers)) for at in range(0, len(data), size)]
    places = np.array(of, np.int64)
    return np.unique(places, return_index=True)[1], places


def _weight_loads(read: InstructionColumns) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
    """The LOADs of weights: their numbers, and their fields `to`, `count` and `source`."""
    own = np.flatnonzero(read.field(Opcode.LOAD, "kind") == Kind.WEIGHTS)
    to, count, source = (read.field(Opcode.LOAD, name)[own] for name in ("to", "count", "source"))
    return read.at(Opcode.LOAD)[own], to, count, source


class _WeightBuffer:
    """The weight buffer, by the address in memory of each vector in it."""

    def __init__(self, machine: Machine, size: int) -> None:
        self._vector, self._size = machine.vector, size
        self._at = np.full(machine.weight_depth, _NOWHERE, np.uint32)

    def load(self, numbers: Int64Array, to: Int64Array, count: Int64Array, source: Int64Array) -> None:
        """What LOADs write.

        Raises:
            InputError: weights outside the image or the buffer.
        """
        wrong = (source + count * self._vector > self._size) | (to + count > self._at.size)
        for number in numbers[wrong][:1].tolist():
            raise InputError(f"program: instruction {number} loads weights that are not there, or has no room")
        offsets = np.arange(count.max(initial=0)) * self._vector
        for first, size, address in zip(to.tolist(), count.tolist(), source.tolist(), strict=True):
            self._at[first : first + size] = offsets[:size] + address

    def follow(self, read: InstructionColumns) -> tuple[Int64Array, Int64Array, UInt32Array, Int64Array]:
        """What the PASSes that load a tile find.

        Returns:
            Their numbers, their kinds [passes, 5], the addresses of the words of all of them, and where each one's
            begin.

        Raises:
            InputError: see `stored_tiles`.
        """
        loads, loading = _weight_loads(read), np.flatnonzero(read.field(Opcode.PASS, "load") == 1)
        numbers = read.at(Opcode.PASS)[loading]
        names = ("weights", *_Kind._fields)
        weights, *kind = (read.field(Opcode.PASS, name)[loading] for name in names)
        words = kind[-1]
        begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(words)])
        found = np.full(begins[-1], _NOWHERE, np.uint32)
        cuts = [0, *np.searchsorted(numbers, loads[0]).tolist(), numbers.size]
        for number, (first, stop) in enumerate(pairwise(cuts)):
            if number:
                self.load(*(each[number - 1 : number] for each in loads))
            part = np.arange(begins[first], begins[stop])
            entries = part + np.repeat(weights[first:stop] - begins[first:stop], words[first:stop])
            inside = entries < self._at.size
            found[part[inside]] = self._at[entries[inside]]
        missing = np.flatnonzero(found == _NOWHERE)
        for each in numbers[np.searchsorted(begins, missing[:1], side="right") - 1].tolist():
            raise InputError(f"program: instruction {each} takes a tile of which words were never loaded")
        return numbers, np.stack(kind, axis=1), found, begins


class _Counted:
    """What is counted of tiles of a kind."""

    def __init__(self, machine: Machine, kind: _Kind) -> None:
        self._machine, self._kind = machine, kind
        self._bits = metadata_bits(Encoding(kind.encoding), kind.beat, machine.hw.array.group)
        self._metadata_words = -(-kind.rows * self._bits // 8)
        self._rows: list[Int64Array] = []

    def add(self, words: Bytes, numbers: Int64Array) -> None:
        """Tiles by their words, uint8 [tiles, words, V]; `numbers` are those of the instructions that load them.

        Raises:
            InputError: a tile whose metadata do not give its number of words.
        """
        kind, vector = self._kind, self._machine.vector
        values = words[:, self._metadata_words :]
        slots = np.full((len(words), kind.rows, kind.beat), stored_columns(kind.cols, self._machine.hw), np.int64)
        if kind.encoding == Encoding.BITMAP and kind.words >= self._metadata_words:
            slots = self._slots(words[:, : self._metadata_words])
        wrong = -(-slots.sum(axis=(1, 2)) // vector) != values.shape[1]
        for number in np.sort(numbers[wrong])[:1].tolist():
            raise InputError(
                f"program: the tile of instruction {number} has {kind.words} words, not what its metadata say"
            )
        nonzeros = np.count_nonzero(values, axis=(1, 2))
        self._rows.append(np.concatenate([nonzeros[:, None], slots.reshape(len(words), -1)], axis=1))

    def _slots(self, metadata: Bytes) -> Int64Array:
        """Values that each row stores in each slot, int64 [tiles, rows, b]."""
        kind, columns = self._kind, self._machine.hw.array.cols
        size = kind.rows * columns * self._bits
        flat = metadata.reshape(len(metadata), -1)
        bits = np.unpackbits(flat, axis=1, count=size, bitorder="little")
        groups = bits.reshape(len(metadata), kind.rows, columns, self._bits)[:, :, : kind.cols]
        counts = sum((groups[..., bit] for bit in range(1, self._bits)), start=groups[..., 0])
        above = [np.packbits(counts > slot, axis=2) for slot in range(kind.beat)]
        found = [np.bitwise_count(each).sum(axis=2, dtype=np.int64) for each in above]
        return np.stack(found, axis=2) if found else np.zeros((*counts.shape[:2], 0), np.int64)

    def statistics(self) -> npt.NDArray[np.object_]:
        """Of each tile that was added; equal ones are one object."""
        kind, array = self._kind, self._machine.hw.array
        rows = np.concatenate(self._rows)
        first, places = _different(rows)
        found = np.empty(len(first), np.object_)
        for number, (nonzeros, *slots) in enumerate(rows[first].tolist()):
            found[number] = TileStatistics(
                word_count=kind.words,
                encoding=Encoding(kind.encoding),
                beat=kind.beat,
                rows=kind.rows,
                cols=kind.cols,
                value_bits=8 * sum(slots),
                metadata_bits=kind.rows * array.cols * self._bits,
                nonzeros=nonzeros,
                slots=np.array(slots, np.int64).reshape(kind.rows, kind.beat),
            )
        return found[places]
