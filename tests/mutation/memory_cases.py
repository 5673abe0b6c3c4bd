"""Every entry of every memory on the chip, written and read by addresses in which all bits occur."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import PackedTile
from tests.mutation.script import WAIT_L, Program, Script, last_load_signals
from tests.sim.machine.machine_loads import S, X

PIXELS = 3
#: The most rounds of a loop.
LONGEST = 4095


def memory_cases(machine: Machine) -> Iterator[Program]:
    """Weights, table, banks and accumulators; places of loads and of local stores; long walks and far memory."""
    for loop in (2, 3):
        for bit in range(5, 12):
            yield _longer_than_the_pass(machine, loop, (1 << bit) + PIXELS)
        yield _long_walk(machine, loop)
    for seed in range(2):
        yield _places(machine, seed)
        yield _whole_depth(machine, seed)
    yield _longest_block(machine)
    yield _long_lines(machine)
    yield _far(machine)


def _tiles(script: Script) -> list[tuple[PackedTile, int]]:
    """Tiles of every kind that fill the weight memory, each with its address."""
    placed: list[tuple[PackedTile, int]] = []
    at, depth = 0, script.machine.weight_depth - 1
    while True:
        tile = script.tile()
        if at + len(tile.words) > depth:
            return placed
        # bits above those that the memory has are cut off
        turns = int(script.rng.integers((1 << 16) // script.machine.weight_depth)) * script.machine.weight_depth
        placed.append((tile, turns + at))
        script.load(Kind.WEIGHTS, turns + at, tile.words)
        at += len(tile.words)


def _whole_depth(machine: Machine, seed: int) -> Program:
    script = Script(machine, 20, seed)
    rng, rows = script.rng, machine.hw.array.rows
    tiles = _tiles(script)
    script.load_table(0, rng.integers(0, 1 << 16, (256, rows)))
    bias = rng.integers(-(1 << 31), 1 << 31, machine.vector)
    script.load_parameters(17, bias, abs(bias), abs(bias), bias & 31)
    script.load_banks(machine.bank_depth)
    last_load_signals(script, X, S)
    for number, (tile, at) in enumerate(tiles):
        wait = WAIT_L if number == 0 else ()
        script.setup((1, PIXELS, 1, 1), rng.integers(0, 1 << 16, 4).tolist(), wait=wait)
        tables, bases = rng.integers(0, 256, 2), rng.integers(0, 1 << 16, 2)
        script.run(tile.command(PIXELS, first=True, last=False), tile, at, int(bases[0]), int(tables[0]))
        again = Command(pixels=PIXELS, beat=tile.beat, rows=tile.rows, cols=tile.cols, load=False, first=False)
        script.run(again, None, 0, int(bases[1]), int(tables[1]))
        script.store(PIXELS, wait=wait, block=17, raw=1)
    return script.program(f"whole depth {seed}")


def _places(machine: Machine, seed: int) -> Program:
    """Loads, zeros and local stores at random places; then everything is read back."""
    script = Script(machine, 21, seed)
    rng = script.rng
    script.add(isa.Zero(to=0, count=machine.bank_depth))
    script.load(Kind.RESIDUAL, 0, script.vectors(machine.residual_depth))
    script.load_table(0, np.zeros((1, machine.hw.array.rows), np.int64))
    tile = script.full_tile()
    script.load(Kind.WEIGHTS, 0, tile.words)
    script.plain_parameters(40, 8)
    script.plain_parameters(41, 1)
    for number in range(12):
        place = _place(script)
        script.load(Kind.ACTIVATIONS, place["to"], script.vectors(int(rng.integers(2, 40))), place=place)
        if number % 3 == 0:
            script.add(isa.Zero(to=int(rng.integers(0, 1 << 16)), count=int(rng.integers(1, 20))))
    for row, bit in itertools.product(
        range(machine.hw.array.rows), range(6)
    ):  # of 128 banks, most of which are not there
        place = {"width": 9, "pitch": 9, "period": 7, "bank": row ^ 1 << bit}
        script.load(Kind.ACTIVATIONS, 70 * row + 10 * bit, script.vectors(9), place=place)
    last_load_signals(script, S)
    for number in range(16):
        count = int(rng.integers(2, 24))
        script.null(count)
        script.add(isa.Place.of_values(_place(script)))
        wait, signal = WAIT_L if number == 0 else (), (X,) if number == 15 else ()
        at = int(rng.integers(0, machine.residual_depth - 40))
        script.store(count, wait=wait, signal=signal, block=41, residual=1, residual_at=at, memory=0, local=1)
    pixels = min(machine.output_depth, machine.hw.accumulators.depth)
    for first in range(0, machine.bank_depth, pixels):
        script.setup((1, 1, pixels, 1), (0, 0, 1, 0), wait=() if first else (S,))
        script.run(tile.command(pixels, first=True, last=True), tile, base=first)
        script.store(pixels, block=40)
    return script.program(f"places {seed}")


def _place(script: Script) -> dict[str, int]:
    """Any place: addresses and banks that there are not are cut off or not written."""
    rng, rows = script.rng, script.machine.hw.array.rows
    width = int(rng.integers(1, 8))
    if rng.random() < 0.5:  # more than there are vectors
        width |= 1 << int(rng.integers(5, 12))
    bank = int(rng.integers(0, rows if rng.random() < 0.5 else 64))
    period = int(rng.integers(0, rows.bit_length() + 1 if rng.random() < 0.7 else 8))
    return {
        "to": int(rng.integers(0, 1 << 16)),
        "width": width,
        "pitch": int(rng.integers(0, 1 << 12)),
        "period": period,
        "bank": bank,
    }


def _ready_to_walk(script: Script) -> PackedTile:
    machine = script.machine
    script.load_parameters(5, *np.ones((4, machine.vector), np.int64))
    script.load_table(9, script.rng.integers(0, 8, (1, machine.hw.array.rows)))
    tile = script.tile(machine.hw.array.rows, machine.hw.array.cols, most=1)
    script.load(Kind.WEIGHTS, 3, tile.words)
    return tile


def _longer_than_the_pass(machine: Machine, loop: int, count: int) -> Program:
    """The next pass finds what is left of this one's walk."""
    script = Script(machine, 22, loop, count)
    tile = _ready_to_walk(script)
    script.load(Kind.ACTIVATIONS, 0, script.vectors(40))
    last_load_signals(script, X, S)
    counts = [1, 1, 1, 1]
    counts[loop] = count
    for number in range(3):
        wait = () if number else WAIT_L
        script.setup(counts if number == 0 else (1, 1, PIXELS, 1), (7, 5, 1, 1), wait=wait)
        script.run(tile.command(PIXELS, first=True, last=True), tile, 3, 4 * number, 9)
        script.store(PIXELS, wait=wait, block=5, raw=1)
    return script.program(f"walk of {count} in loop {loop}")


def _long_walk(machine: Machine, loop: int) -> Program:
    """A walk for which counters of 12 bits are needed; the inner loops once go round as far as they can."""
    script = Script(machine, 23, loop)
    tile = _ready_to_walk(script)
    script.load_banks(machine.bank_depth)
    last_load_signals(script, X, S)
    counts = [1, 1, 1, 1]
    counts[loop] = LONGEST
    script.setup((15, 13, 2, 1), (3, 50, 700, 0), wait=WAIT_L)
    script.run(tile.command(390, first=True, last=False), tile, 3, 100, 9)
    again = Command(pixels=PIXELS, beat=tile.beat, rows=tile.rows, cols=tile.cols, load=False, first=False)
    script.setup(counts, (0, 0, 1, 1))
    script.run(again, table=9)
    script.store(PIXELS, wait=WAIT_L, block=5, raw=1)
    script.setup((1, 1, 1, PIXELS), (0, 0, 0, 90))
    for number in range(5):
        pixels = (LONGEST - PIXELS) // 4 if number < 4 else PIXELS
        command = tile.command(pixels, first=True, last=number >= 3)
        script.run(command, tile, 3, number, 9)
        if number >= 3:
            script.store(pixels, block=5, memory=0, local=1) if number == 3 else script.store(pixels, block=5, raw=1)
    return script.program(f"long walk in loop {loop}")


def _longest_block(machine: Machine) -> Program:
    """As many pixels as there are accumulators, in two passes that all columns take part in."""
    script = Script(machine, 24)
    tile, pixels = _ready_to_walk(script), machine.hw.accumulators.depth
    script.plain_parameters(6, 3)
    script.load_banks(machine.bank_depth)
    last_load_signals(script, X, S)
    script.setup((1, 1, pixels // 2, 2), (0, 0, 1, 7), wait=WAIT_L)
    for base, first in ((0, True), (90, False)):
        script.run(tile.command(pixels, first=first, last=not first), tile, 3, base, 9)
    for number in range(pixels // machine.output_depth):
        script.store(machine.output_depth, wait=() if number else WAIT_L, block=6)
    return script.program("the longest block")


def _long_lines(machine: Machine) -> Program:
    """Local stores whose lines are longer than most and end all the same; then everything is read back."""
    script = Script(machine, 25)
    tile, depth, most = _ready_to_walk(script), machine.bank_depth, machine.hw.accumulators.depth
    script.load(Kind.RESIDUAL, 0, script.vectors(machine.residual_depth))
    script.plain_parameters(6, 3)
    script.add(isa.Zero(to=0, count=depth))
    last_load_signals(script, S)
    for number, width in enumerate((4 * depth + 450, depth // 4 + 1, depth // 4 - 2, depth // 8 + 3)):
        count = depth // 2 if number else 4 * depth + 700
        for first in range(0, count, most):
            script.null(min(most, count - first))
        script.add(isa.Place(to=number * 90, width=width, pitch=width + 9 + number))
        wait, signal = WAIT_L if number == 0 else (), (X,) if number == 3 else ()
        script.store(count, wait=wait, signal=signal, block=6, residual=1, residual_at=number, memory=0, local=1)
    pixels = machine.output_depth
    for first in range(0, machine.bank_depth, pixels):
        script.setup((1, 1, pixels, 1), (0, 0, 1, 0), wait=() if first else (S,))
        script.run(tile.command(pixels, first=True, last=True), tile, 3, first, 9)
        script.store(pixels, block=6)
    return script.program("long lines")


def _far(machine: Machine) -> Program:
    """Loads and stores at addresses with one and two of the bits that a memory of 16 MiB has above the others'."""
    script = Script(machine, 26)
    near, script.memory = script.memory, np.zeros(1 << 24, np.uint8)
    script.plain_parameters(6, 0)
    places = [1 << one | 1 << other for one in range(19, 24) for other in range(19, one + 1)]
    for number, place in enumerate(places):
        script.memory[place : place + machine.vector] = script.rng.integers(0, 256, machine.vector)
        load = {"kind": Kind.RESIDUAL, "to": number, "count": 1, "source": place, "width": 1, "pitch": 1}
        script.add(isa.Load.of_values({"period": 0, "bank": 0} | load))
    last_load_signals(script, S)
    for number, place in enumerate(places):
        script.null(1)
        wait = () if number else WAIT_L
        script.store(1, wait=wait, block=6, residual=1, residual_at=number, address=place + near.size // 2)
    return script.program("far memory")
