"""A memory, lines and tiles at places and of lengths in which every bit of an address and of a count is set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import COUNT_BITS
from tests.mutation.equivalent import TILE_BITS
from tests.mutation.script import MEMORY_BYTES, WAIT_L, WATCHED, Program, Script, last_load_signals, load_all
from tests.sim.machine.machine_loads import S, X

#: Bits of a line's width, and of the longest line that is tried but for the lowest ones.
WIDTH_BITS, LONGEST_LINE = 12, 0xA80


def address_cases(machine: Machine) -> Iterator[Program]:
    """Sound ones: a memory anywhere on the bus, from any base; lines of loads."""
    for seed in range(8):
        yield _anywhere(machine, seed)
    yield _lines(machine, 0, [(1 << bit) + (1 << bit - 2) + 3 for bit in range(5, WIDTH_BITS - 1)])
    yield _lines(machine, 1, [LONGEST_LINE + 5])
    yield _lines(machine, 2, [1 << WIDTH_BITS - 1])


def word_cases(machine: Machine) -> Iterator[Program]:
    """Passes of a tile that are told of more words than it has: by one power of two, or two of them."""
    for one in range(COUNT_BITS):
        yield _more_words(machine, 1 << one)
        if one > TILE_BITS:
            yield _more_words(machine, 1 << one | 1 << one - 1)


def _anywhere(machine: Machine, seed: int) -> Program:
    """Its memory begins anywhere in the program's addresses, and these anywhere on the bus."""
    script = Script(machine, 70, seed)
    rng = script.rng
    script.plain_parameters(6, 0)
    for number in range(12):
        script.load(Kind.RESIDUAL, 4 * number, script.vectors(4))
    last_load_signals(script, S)
    for number in range(12):
        script.null(4)
        script.store(4, wait=() if number else WAIT_L, block=6, residual=1, residual_at=4 * number)
    first = int(rng.integers((1 << 32) - MEMORY_BYTES)) >> 12 << 12
    script.instructions = [_moved(each, first) for each in script.instructions]
    program = script.program(f"memory at {first:#x}")
    page = int(rng.integers(1 << machine.page_bits))
    return replace(program, first=first, page=page, address=program.address + first)


def _moved(instruction: isa.Instruction, by: int) -> isa.Instruction:
    """The same of another place in memory."""
    if isinstance(instruction, isa.Load):
        return replace(instruction, source=instruction.source + by)
    if isinstance(instruction, isa.Store):
        return replace(instruction, address=instruction.address + by)
    return instruction


def _lines(machine: Machine, seed: int, widths: list[int]) -> Program:
    """Loads of a line of each width and of the beginning of the next one; then everything is read back."""
    script = Script(machine, 71, seed)
    script.load_table(9, np.zeros((1, machine.hw.array.rows), np.int64))
    tile = script.full_tile()
    script.load(Kind.WEIGHTS, 3, tile.words)
    script.plain_parameters(6, 3)
    script.add(isa.Zero(to=0, count=machine.bank_depth))
    for number, width in enumerate(widths):
        place = {"width": width, "pitch": width + 9 + number}
        script.load(Kind.ACTIVATIONS, number * 70, script.vectors(width + width // 16), place=place)
    last_load_signals(script, X, S)
    pixels = min(machine.output_depth, machine.hw.accumulators.depth)
    for first in range(0, machine.bank_depth, pixels):
        script.setup((1, 1, pixels, 1), (0, 0, 1, 0), wait=() if first else WAIT_L)
        script.run(tile.command(pixels, first=True, last=True), tile, 3, first, 9)
        script.store(pixels, wait=() if first else WAIT_L, block=6)
    return script.program(f"lines of loads {seed}")


def _more_words(machine: Machine, more: int) -> Program:
    script = Script(machine, 74, more)
    tile = script.full_tile()
    load_all(script, tile, shift=1)
    for number, words in enumerate((len(tile.words), len(tile.words) + more)):
        script.setup((1, 1, 1, 3), (0, 0, 0, 1), wait=() if number else WAIT_L)
        script.add(isa.Pass(command=tile.command(3, first=True, last=True), words=words))
        script.store(3, wait=() if number else WAIT_L)
    return script.program(f"{more} words too many", WATCHED)
