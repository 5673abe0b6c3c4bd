"""What the timing model refuses before it follows a program: what the machine would answer with an error."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.depths import RAW_VECTORS
from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.instruction import VERSION
from skipbeat_arch.instruction_columns import InstructionColumns
from skipbeat_arch.machine import Machine

from .columns import Columns

#: Set for the opcodes whose count may not be 0.
_COUNTED = np.isin(np.arange(max(Opcode) + 1), (Opcode.LOAD, Opcode.ZERO, Opcode.STORE, Opcode.TURN))


def check_header(machine: Machine, read: InstructionColumns) -> None:
    """That instructions are for a machine, if they begin with a header.

    Raises:
        InputError: they are for another one.
    """
    if not len(read) or read.opcode[0] != Opcode.HEADER:
        return
    version, fingerprint = (int(read.field(Opcode.HEADER, name)[0]) for name in ("version", "fingerprint"))
    if (version, fingerprint) != (VERSION, machine.fingerprint):
        raise InputError(f"program: it was made for another hardware than {machine.hw.name}")


def check_program(columns: Columns, hw: Hardware) -> None:
    """Check a program.

    Raises:
        InputError: what the machine would answer with an error or never finish, or a walk that does not have as many
            pixels as the pass.
    """
    _check_frame(columns)
    columns.passes.check(hw)
    _check_words(columns)
    _check_walks(columns)
    _check_counts(columns)
    _check_stores(columns)
    _check_turns(columns, hw)


def _check_frame(columns: Columns) -> None:
    if columns.at(Opcode.HEADER).tolist() != [0]:
        raise InputError("program: expected a HEADER as its first instruction, and nowhere else")
    if columns.at(Opcode.END).tolist() != [len(columns) - 1]:
        raise InputError("program: expected an END as its last instruction, and nowhere else")


def _first(wrong: BoolArray) -> int | None:
    """The number of the first instruction with which something is wrong."""
    found = np.flatnonzero(wrong)
    return int(found[0]) if found.size else None


def _check_words(columns: Columns) -> None:
    passes = columns.passes
    loads = columns.at(Opcode.PASS)[passes.fields.load == 1]
    stored = passes.of_tiles([tile.word_count for tile in passes.tiles])
    place = _first(columns.words[loads] != stored)
    if place is not None:
        number = int(loads[place])
        words = int(columns.words[number])
        raise InputError(f"program: instruction {number} reads {words} words of a tile of {int(stored[place])}")


def _check_walks(columns: Columns) -> None:
    """Every pass with bundles has as many pixels as the last SETUP before it says; none at all before the first."""
    passes, setup = columns.at(Opcode.PASS), columns.opcode == Opcode.SETUP
    before = np.maximum.accumulate(np.where(setup, np.arange(len(columns)), 0))  # HEADER, which has a count of 0
    walks, (pixels, beat, *_) = columns.count[before][passes], columns.passes.fields
    place = _first((beat > 0) & (walks != pixels))
    if place is not None:
        number, walk, own = int(passes[place]), int(walks[place]), int(pixels[place])
        raise InputError(f"program: instruction {number} walks over {walk} pixels, its pass has {own}")


def _check_counts(columns: Columns) -> None:
    if (number := _first(_COUNTED[columns.opcode] & (columns.count == 0))) is not None:
        raise InputError(f"program: {columns.title(number)} has a count of 0")
    loads = columns.opcode == Opcode.LOAD
    if (number := _first(loads & ((columns.kind < min(Kind)) | (columns.kind > max(Kind))))) is not None:
        kind = int(columns.kind[number])
        raise InputError(f"program: instruction {number} loads into kind {kind}, which there is not")
    if (number := _first((columns.opcode == Opcode.PLACE) & (columns.wait + columns.signal > 0))) is not None:
        raise InputError(f"program: {columns.title(number)} waits or signals")


def _check_stores(columns: Columns) -> None:
    store, raw, pool = columns.opcode == Opcode.STORE, columns.vectors == RAW_VECTORS, columns.pool
    if (number := _first(store & ((pool == 0) | (raw & (pool != 1))))) is not None:
        raise InputError(f"program: instruction {number} pools {int(pool[number])} items")
    if (number := _first(store & (columns.memory + columns.local == 0))) is not None:
        raise InputError(f"program: instruction {number} stores neither in memory nor locally")
    if (number := _first((columns.vectors > 1) & (columns.local == 1))) is not None:
        raise InputError(f"program: instruction {number} stores raw sums or places locally")


def _check_turns(columns: Columns, hw: Hardware) -> None:
    turn, lane, lanes = columns.opcode == Opcode.TURN, columns.kind, columns.vectors
    number = _first(turn)
    if number is not None and not hw.outputs.turn:
        raise InputError(f"program: {columns.title(number)} needs hardware with outputs.turn")
    if (number := _first(turn & ((lanes == 0) | (lane + lanes > hw.array.cols)))) is not None:
        last = int(lane[number] + lanes[number])
        raise InputError(f"program: {columns.title(number)} gives vectors up to {last} of a block of {hw.array.cols}")
