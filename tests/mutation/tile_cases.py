"""Tiles whose metadata contradict their descriptors, a column and a bit at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skipbeat_arch.command import Encoding
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import PackedTile, pack_tile
from tests.mutation.script import WAIT_L, WATCHED, Program, Script, last_load_signals
from tests.sim.machine.machine_loads import S, X


def tile_cases(machine: Machine) -> Iterator[Program]:
    """One nonzero too many in a group, one in a column that is not there, coordinates that do not ascend."""
    array = machine.hw.array
    for column in range(array.cols):
        for bit in range(array.group):
            if bit:
                yield _wrong_bit(machine, column, bit, array.cols)
            if column:
                yield _wrong_bit(machine, column, bit, column)
        for most in range(2, array.group):
            yield _wrong_bit(machine, column, array.group - 1, array.cols, most)
        for positions in ((2, 1), (1, 1), (3, 3)):
            yield _descending(machine, column, positions)


def _wrong_bit(machine: Machine, column: int, bit: int, cols: int, most: int = 1) -> Program:
    """A bitmap tile of one row and `most` nonzeros per group, with another bit in its metadata."""
    script, array = Script(machine, 50, column, bit, cols, most), machine.hw.array
    weights = np.zeros((1, array.group, cols), np.int8)
    weights[0, :most] = 5
    tile = pack_tile(weights, machine.hw, Encoding.BITMAP)
    words = tile.words.copy()
    flat = words.reshape(-1)
    flat[(column * array.group + bit) // 8] |= 1 << (column * array.group + bit) % 8
    script.load(Kind.WEIGHTS, 0, words)
    return _run(script, tile, f"bit {bit} of column {column}, {cols} columns, {most} nonzeros")


def _descending(machine: Machine, column: int, positions: tuple[int, int]) -> Program:
    """A coordinate tile of one row with two nonzeros per group, in one column at these positions."""
    script, array = Script(machine, 51, column, *positions), machine.hw.array
    weights = np.zeros((1, array.group, array.cols), np.int8)
    weights[0, :2] = 7
    tile = pack_tile(weights, machine.hw, Encoding.COORDINATE)
    size = machine.hw.index_bits
    bits = np.unpackbits(tile.words.reshape(-1), bitorder="little")
    for slot, position in enumerate(positions):
        first = (2 * column + slot) * size
        bits[first : first + size] = position >> np.arange(size) & 1
    script.load(Kind.WEIGHTS, 0, np.packbits(bits, bitorder="little"))
    return _run(script, tile, f"positions {positions} in column {column}")


def _run(script: Script, tile: PackedTile, name: str) -> Program:
    """END waits for the result of a pass of one pixel, which does not come."""
    script.plain_parameters(0, 1)
    last_load_signals(script, X, S)
    script.run(tile.command(1, first=True, last=True), tile, wait=WAIT_L)
    script.store(1, wait=WAIT_L)
    return script.program(name, WATCHED)
