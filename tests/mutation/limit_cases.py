"""Requests, saturation, passes without a tile and counters of tokens at the limits of what they can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.depths import MOST_TOKENS
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import PackedTile, pack_tile
from skipbeat_sim.machine.run_machine import run_machine
from tests.mutation.script import WAIT_L, WATCHED, Program, Script, last_load_signals, least_work, load_all
from tests.sim.machine.machine_loads import L, S, X

#: Clocks of a run in which one request is moved.
LONG = 18_000
#: The largest power of two that a product of bias and multiplier is.
LARGEST = 60
#: Clocks after which a short pass is over, and entries of the banks that no pass reads.
STILL, SPARE = 64, 64
#: The most that a load's delay is tried for, in clocks.
DELAYS = 60


def limit_cases(machine: Machine) -> Iterator[Program]:
    """Sound ones: long requests, saturation by powers of two, tokens that are given and taken in one clock."""
    yield _long_load(machine)
    yield _long_store(machine)
    for late in (False, True):
        yield _short_passes(machine, late)
    for credits in range(4):
        yield _held_passes(machine, credits)
    for seed in range(8):
        yield _powers(machine, seed)
    for source in Engine:
        for sink in source.others:
            yield _at_once(machine, source, sink)


def stale_cases(machine: Machine) -> Iterator[Program]:
    """Passes of a tile that is not there, as another is or none; with more of something than there is, or nothing."""
    array = machine.hw.array
    for bit in range(array.group.bit_length()):
        yield _stale(machine, None, 1 << bit, array.rows)
        for there in range(1, array.group + 1):
            if there != 1 << bit <= array.group:
                yield _stale(machine, there, 1 << bit, array.rows)
    for rows in range(1, array.rows):
        yield _stale(machine, 1, 1, rows)
    rows, cols, depth = array.rows, array.cols, machine.hw.accumulators.depth
    for load in (True, False):
        for beat in range(array.group + 1, 2 * array.group + 1):
            yield _beyond(machine, load, beat=beat)
        for each in range(rows + 1, 2 * rows + 1):
            yield _beyond(machine, load, rows=each)
    for each in range(cols + 1, 2 * cols + 1):
        yield _beyond(machine, True, cols=each)
    for more in (0, *(1 << bit for bit in range(depth.bit_length() - 1))):
        yield _beyond(machine, True, pixels=depth + 1 + more)
    for load in (True, False):
        for field in ("pixels", "beat", "rows", "cols"):
            yield _beyond(machine, load, **{field: 0})


def _long_load(machine: Machine) -> Program:
    """A request of as many bursts as fit in the run, of which the later ones overwrite the earlier ones; all that it
    leaves is read back."""
    script = Script(machine, 60)
    script.plain_parameters(0, 1)
    count = LONG // machine.vector_beats
    script.load(Kind.RESIDUAL, 0, script.vectors(count), signal=(S,))
    for first in range(0, machine.residual_depth, 64):
        script.null(64)
        script.store(64, wait=() if first else WAIT_L, residual=1, residual_at=first)
    return script.program("long load")


def _long_store(machine: Machine) -> Program:
    """More vectors than the output memory has: the later ones overwrite the earlier ones."""
    script = Script(machine, 61)
    script.plain_parameters(0, 1)
    script.load(Kind.RESIDUAL, 0, script.vectors(machine.residual_depth))
    last_load_signals(script, S)
    most = machine.hw.accumulators.depth
    count = LONG // (machine.vector_beats + machine.hw.array.cols // machine.hw.outputs.lanes)
    for first in range(0, count, most):
        script.null(min(most, count - first))
    script.store(count, wait=WAIT_L, residual=1)
    return script.program("long store")


def _short_passes(machine: Machine, late: bool) -> Program:
    """Passes of a few pixels that add to the one before, with as many steps per pixel as there may be or fewer.

    All queues are full; or they are empty, as all is still before passes follow one another, which come `late`.
    """
    script = Script(machine, 66, late)
    for tile, pixels, wait in _of_few_pixels(script, range(1, 6)):
        again = _again(tile, pixels)
        if late:
            script.add(isa.Zero(to=SPARE, count=STILL, signal=(X,)))
            script.setup((1, 1, 1, pixels), (0, 0, 0, 1), wait=WAIT_L)
            script.run(replace(again, last=False))
        script.run(replace(again, last=False))
        script.run(again)
        script.store(pixels, wait=wait, raw=1)
    return script.program("short passes, late" if late else "short passes")


def _held_passes(machine: Machine, credits: int) -> Program:
    """The same while nobody takes results and there is room for so many pixels only: a pass is held amid its pixels,
    and the next one comes meanwhile."""
    script, room = Script(machine, 67, credits), machine.hw.result_depth - credits
    for tile, pixels, wait in _of_few_pixels(script, range(1, 4)):
        script.null(room)
        script.run(_again(tile, pixels))
        script.add(isa.Zero(to=SPARE, count=STILL, signal=(X,)))
        script.setup((1, 1, 1, pixels), (0, 0, 0, 1), wait=WAIT_L)
        script.run(_again(tile, pixels))
        if wait:  # the token of the loads
            script.null(1)
        script.add(isa.Zero(to=SPARE, count=STILL, signal=(S,)))
        script.store(room, wait=WAIT_L)
        for _ in range(2):
            script.store(pixels, raw=1)
        if wait:
            script.store(1, wait=wait)
    return script.program(f"held passes, {credits} credits")


def _of_few_pixels(script: Script, sizes: range) -> Iterator[tuple[PackedTile, int, tuple[Engine, ...]]]:
    """For each number of steps per pixel and of pixels: a pass that loads its tile and gives no results, and what the
    first STORE after it waits for."""
    machine, array = script.machine, script.machine.hw.array
    tiles = [_filled(machine, beat) for beat in range(1, array.group + 1)]
    at = np.cumsum([0, *(len(tile.words) for tile in tiles)]).tolist()
    for tile, first in zip(tiles, at, strict=False):
        script.load(Kind.WEIGHTS, first, tile.words)
    script.load_table(0, np.zeros((1, array.rows), np.int64))
    script.load_banks(8)
    script.plain_parameters(0, 1)
    last_load_signals(script, X, S)
    for number, (tile, first) in enumerate(zip(tiles, at, strict=False)):
        for pixels in sizes:
            wait = () if number or pixels > sizes.start else WAIT_L
            script.setup((1, 1, 1, pixels), (0, 0, 0, 1), wait=wait)
            script.run(tile.command(pixels, first=True, last=False), tile, first)
            yield tile, pixels, wait


def _again(tile: PackedTile, pixels: int) -> Command:
    """Adds the tile that is there once more, and gives results."""
    return Command(pixels=pixels, beat=tile.beat, rows=tile.rows, cols=tile.cols, load=False, first=False)


def _powers(machine: Machine, seed: int) -> Program:
    """Products that are a power of two, or one less than its negative, and too large: in one bit alone."""
    script = Script(machine, 62, seed)
    rng = script.rng
    script.load(Kind.RESIDUAL, 0, -np.ones((1, machine.vector), np.int8))
    for block in range(64):
        shift = rng.integers(1, LARGEST - 9, machine.vector)
        power = rng.integers(shift + 7, LARGEST + 1)
        of_bias = rng.integers(np.maximum(power - 30, 0), np.minimum(power, 30) + 1)
        sign, ones = rng.choice([-1, 1], machine.vector), np.ones_like(shift)
        script.load_parameters(block, sign << of_bias, ones << (power - of_bias), ones, shift)
    last_load_signals(script, S)
    for block in range(64):
        script.null(1)
        script.store(1, wait=() if block else WAIT_L, block=block, residual=block % 2)
    return script.program(f"powers {seed}")


def _filled(machine: Machine, beat: int) -> PackedTile:
    array = machine.hw.array
    weights = np.zeros((array.rows, array.group, array.cols), np.int8)
    weights[:, :beat] = 3
    return pack_tile(weights, machine.hw)


def _stale(machine: Machine, there: int | None, beat: int, rows: int) -> Program:
    """A pass without a load after one of so many steps per pixel in all rows, or as the first one."""
    script, array = Script(machine, 63, there or 0, beat, rows), machine.hw.array
    tile = _filled(machine, there or 1)
    load_all(script, tile, shift=1)
    script.setup((1, 1, 1, 3), (0, 0, 0, 1), wait=WAIT_L)
    if there is not None:
        script.run(tile.command(3, first=True, last=True), tile)
        script.store(3, wait=WAIT_L)
    script.run(Command(pixels=3, beat=beat, rows=rows, cols=array.cols, load=False))
    script.store(3, wait=WAIT_L if there is None else ())
    return script.program(f"{beat} steps in {rows} rows, {there} there")


def _beyond(machine: Machine, load: bool, **fields: int) -> Program:
    """A pass of a bitmap, of which one field is larger than it can be, or 0."""
    script, array = Script(machine, 65, load, *fields.values()), machine.hw.array
    tile = _filled(machine, 1)
    load_all(script, tile, shift=1)
    script.setup((1, 1, 1, 3), (0, 0, 0, 1), wait=WAIT_L)
    script.run(tile.command(3, first=True, last=True), tile)
    script.store(3, wait=WAIT_L)
    sound = {"pixels": 3, "beat": 1, "rows": array.rows, "cols": array.cols, "encoding": Encoding.BITMAP}
    command = Command.of_values({"load": load, "first": 1, "last": 1} | sound | fields)
    script.add(isa.Pass(command=command, words=len(tile.words) if load else 0))
    script.store(3)
    return script.program(f"{fields} of a pass {'with' if load else 'without'} a load", WATCHED)


#: Nothing that waits for the memory.
_on_chip = partial(least_work, local=True)


def _at_once(machine: Machine, source: Engine, sink: Engine) -> Program:
    """A full counter is given a token in the clock in which one is taken.

    A delay of the load engine moves one past the other: an overflow on one side says where they meet.

    Raises:
        ValueError: no delay lets them meet.
    """
    for first in (source, sink):
        before = None
        for delay in range(1, DELAYS):
            program = _meeting(machine, source, sink, first, delay)
            run = run_machine(machine, program.memory, program.address, program.count, max_clocks=LONG)
            overflows = bool(run.error)
            if before is not None and before[1] != overflows:
                return before[0] if overflows else program
            before = program, overflows
    raise ValueError(f"{source.name} and {sink.name} do not meet")


def _meeting(machine: Machine, source: Engine, sink: Engine, first: Engine, delay: int) -> Program:
    """The counter is full; one of the two goes on, and the other after so many clocks of the load engine."""
    script = Script(machine, 64, source, sink)
    script.plain_parameters(0, 1)
    third = next(engine for engine in Engine if engine not in (source, sink))
    for _ in range(MOST_TOKENS):
        _on_chip(script, source, signal=(sink,))
    if L not in (source, sink):
        _on_chip(script, source, signal=(L,))
        _on_chip(script, L, wait=(source,), signal=(first,))
        script.add(isa.Zero(to=0, count=delay, signal=(sink if first == source else source,)))
        _on_chip(script, source, wait=(L,), signal=(sink,))
        _on_chip(script, sink, wait=(L, source))
    elif source == L:
        # The delay is before what is given, or what is taken waits for it.
        _on_chip(script, L, signal=(third,))
        _on_chip(script, third, wait=(L,), signal=(sink,))
        script.add(isa.Zero(to=0, count=delay))
        _on_chip(script, L, signal=(sink,))
        _on_chip(script, sink, wait=(L, third))
    else:
        _on_chip(script, source, signal=(third,))
        _on_chip(script, third, wait=(source,), signal=(L,))
        _on_chip(script, L, wait=(third,), signal=(source,))
        script.add(isa.Zero(to=0, count=delay))
        _on_chip(script, L, wait=(source,))
        _on_chip(script, source, wait=(L,), signal=(sink,))
    for _ in range(MOST_TOKENS):
        _on_chip(script, sink, wait=(source,))
    # END waits for a store, which waits for what the sink has done.
    if sink != S:
        _on_chip(script, sink, signal=(S,))
        _on_chip(script, S, wait=(sink,))
    program = script.program(f"a token from {source.name.lower()} to {sink.name.lower()} given and taken at once")
    return replace(program, timed=True)
