"""Tokens by the dozen, full queues, and numbers whose high bits show in what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import COMMAND_BITS, Command, Encoding
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import COUNT_BITS
from tests.mutation.script import DATA, WAIT_L, WATCHED, Program, Script, last_load_signals, least_work, load_all
from tests.sim.machine.machine_loads import L, S, X

#: The most tokens that a counter holds.
TOKENS = 63


def engine_cases(machine: Machine) -> Iterator[Program]:
    """Between each two engines as many tokens as there may be, and one more; every queue full."""
    for source in Engine:
        for sink in Engine:
            if sink != source:
                yield _tokens(machine, source, sink, TOKENS)
                yield _tokens(machine, source, sink, TOKENS + 1)
    for engine in Engine:
        yield _full_queue(machine, engine)
    yield _many_stores(machine)
    yield _short_loads(machine)
    yield waiting_tiles(machine)


def error_cases(machine: Machine) -> Iterator[Program]:
    """Programs that end in an error or not at all, another one for each bit of a number."""
    for bit in range(19, 32):
        yield _load_outside(machine, 1 << bit, 3)
        yield _store_outside(machine, 1 << bit)
        yield _program_outside(machine, bit)
    for bit in range(10, 16):
        yield _load_outside(machine, (1 << 19) - 40 * machine.vector, 1 << bit | 3)
        yield _long_zero(machine, 1 << bit | 3)
    for place in range(8):
        yield _load_outside(machine, DATA + place * machine.vector, (1 << COUNT_BITS) - 1)
    for bit in range(3, 14):
        yield _long_store(machine, 1 << bit | 3)
    for bit in range(8, 24):
        yield _too_long(machine, 1 << bit)
    for number in range(40):
        yield _bad_command(machine, number)


def _idle(script: Script, instructions: int) -> None:
    """Instructions that do nothing but take time to be fetched."""
    place = {"to": 0, "width": 1, "pitch": 1, "period": 0, "bank": 0}
    for _ in range(instructions):
        script.add(isa.Place.of_values(place))


def _tokens(machine: Machine, source: Engine, sink: Engine, count: int) -> Program:
    script = Script(machine, 30, source, sink, count)
    script.plain_parameters(0, 1)
    for _ in range(count):
        least_work(script, source, (), (sink,))
    _idle(script, 100)
    for _ in range(TOKENS):
        least_work(script, sink, (source,), ())
    # What the last of the source's instructions does must be there before END; a store waits for itself.
    if sink != S:
        least_work(script, sink, (), (S,))
        script.null(1)
        script.store(1, wait=(sink,))
    return script.program(f"{count} tokens from {source.name.lower()} to {sink.name.lower()}")


def _full_queue(machine: Machine, engine: Engine) -> Program:
    """One engine is held up while all its queue, and the queue of fetched instructions behind it, fill."""
    script = Script(machine, 31, engine)
    script.plain_parameters(0, 1)
    script.add(isa.Zero(to=0, count=machine.bank_depth, signal=() if engine == L else (engine,)))
    for number in range(90):
        wait = WAIT_L if number == 0 and engine != L else ()
        if engine == L:
            script.add(isa.Zero(to=number, count=1))
        elif engine == X:
            script.setup((1, 1, 1, 1), (0, 0, 0, 0), wait=wait)
        elif number % 15 == 14:
            script.null(1)
            script.store(1, memory=0, local=1)
        else:
            script.null(1)
            script.store(1, wait=wait)
    last_load_signals(script, S)
    script.null(1)
    script.store(1, wait=WAIT_L)
    return script.program(f"full queue of {engine.name.lower()}")


def _many_stores(machine: Machine) -> Program:
    """Stores behind a slow one: local ones wait for it in the queue of those that are not done."""
    script = Script(machine, 32)
    script.plain_parameters(0, 1)
    script.load(Kind.RESIDUAL, 0, script.vectors(machine.residual_depth))
    last_load_signals(script, S)
    for number in range(8):
        script.null(machine.output_depth)
        wait = WAIT_L if number == 0 else ()
        script.store(machine.output_depth, wait=wait, residual=1, signal=(L,) if number % 2 else (X,))
        for _ in range(5):
            script.null(1)
            script.store(1, memory=0, local=1, signal=(L, X))
    return script.program("many stores")


def _short_loads(machine: Machine) -> Program:
    """More requests than may be outstanding."""
    script = Script(machine, 38)
    for number in range(60):
        script.load(Kind.RESIDUAL, number, script.vectors(1 + number // 20))
    script.plain_parameters(2, 3)
    last_load_signals(script, S)
    script.null(60)
    script.store(60, wait=WAIT_L, block=2, residual=1)
    return script.program("short loads")


def waiting_tiles(machine: Machine) -> Program:
    """Tiles of all shapes behind a long pass: their queues are full meanwhile."""
    script = Script(machine, 39)
    tiles = [script.tile() for _ in range(6)]
    at = np.cumsum([0, *(len(tile.words) for tile in tiles[:-1])]).tolist()
    for tile, first in zip(tiles, at, strict=True):
        script.load(Kind.WEIGHTS, first, tile.words)
    script.load_table(0, script.rng.integers(0, 9, (1, machine.hw.array.rows)))
    script.load_banks(60)
    script.plain_parameters(3, 5)
    last_load_signals(script, X, S)
    script.add(isa.Place(to=256, width=180, pitch=180))  # where no pass reads
    for number in range(24):
        pixels = 1 + number % 3 if number % 8 else 180
        tile, first = tiles[number % 5], at[number % 5]
        counts = (1, 15, 1, pixels // 15) if pixels > 15 else (1, pixels, 1, 1)
        script.setup(counts, (0, 1, 0, 2), wait=() if number else WAIT_L)
        script.run(tile.command(pixels, first=True, last=True), tile, first)
        script.store(pixels, wait=() if number else WAIT_L, block=3, memory=int(pixels < 16), local=int(pixels > 15))
    return script.program("waiting tiles")


def decoding(machine: Machine) -> Program:
    """One tile after another, for a pixel each: when it is aborted, counters hold what is not in their totals yet."""
    script = Script(machine, 41)
    tile = script.full_tile()
    load_all(script, tile, shift=2)
    script.add(isa.Place(to=256, width=180, pitch=180))  # where no pass reads
    script.setup((1, 1, 1, 1), (0, 0, 0, 1), wait=WAIT_L)
    for number in range(40):
        script.run(tile.command(1, first=True, last=True), tile)
        script.store(1, wait=() if number else WAIT_L, memory=0, local=1)
    return script.program("tile after tile")


def _load_outside(machine: Machine, source: int, count: int) -> Program:
    script = Script(machine, 33)
    script.load(Kind.WEIGHTS, 0, script.vectors(4))
    script.add(isa.Load(width=1, pitch=1, kind=Kind.WEIGHTS, count=count, source=source, signal=(S,)))
    script.null(1)
    script.store(1, wait=WAIT_L)
    return script.program(f"load of {count} vectors at {source:#x}", WATCHED)


def _store_outside(machine: Machine, address: int) -> Program:
    script = Script(machine, 34)
    script.plain_parameters(0, 1)
    last_load_signals(script, S)
    script.null(3)
    script.store(3, wait=WAIT_L, address=address)
    return script.program(f"store at {address:#x}")


def _program_outside(machine: Machine, bit: int) -> Program:
    program = _store_outside(machine, DATA + 0x4000)
    return replace(program, name=f"program at bit {bit}", address=1 << bit)


def _long_zero(machine: Machine, count: int) -> Program:
    """A ZERO that is not over when what waits for it would long have begun."""
    script = Script(machine, 35, count)
    script.add(isa.Zero(to=5, count=count))
    script.load(Kind.WEIGHTS, 0, script.vectors(4))
    return script.program(f"zero of {count}", WATCHED)


def _long_store(machine: Machine, count: int) -> Program:
    """A STORE for which there are not enough results."""
    script = Script(machine, 36, count)
    script.plain_parameters(0, 1)
    last_load_signals(script, S)
    script.null(3)
    script.store(count, wait=WAIT_L, memory=0, local=1, address=0)
    script.store(1, memory=1, address=DATA + 0x4000)
    return script.program(f"store of {count}", WATCHED)


def _broken_off(script: Script, name: str, after: int) -> Program:
    for _ in range(after):
        script.setup((1, 1, 1, 1), (0, 0, 0, 0))
    script.add(isa.Header(version=0, fingerprint=0))
    return script.program(name)


def abandoned(machine: Machine, after: int) -> Program:
    """An error while every engine is at work and every queue holds something."""
    script = Script(machine, 40, after)
    tile = script.tile(machine.hw.array.rows, machine.hw.array.cols, most=1)
    script.load(Kind.WEIGHTS, 0, tile.words)
    script.load_table(0, np.zeros((1, machine.hw.array.rows), np.int64))
    script.plain_parameters(0, 2)
    last_load_signals(script, X, S)
    script.add(isa.Place(to=7, width=9, pitch=30, period=0, bank=0))
    script.setup((1, 1, 1, 1000), (0, 0, 0, 1), wait=WAIT_L)
    for number in range(8):
        script.run(tile.command(1000, first=True, last=True), tile)
        script.store(1000, wait=() if number else WAIT_L, memory=0, local=1, signal=(L,))
    script.load(Kind.ACTIVATIONS, 3, script.vectors(20), place={"width": 7, "pitch": 20})
    for number in range(7):
        script.load(Kind.WEIGHTS, 40, script.vectors(1), wait=(S,) if number > 2 else ())
    # Not more than the queue behind a STORE takes.
    _idle(script, after)
    script.add(isa.Header(version=0, fingerprint=0))
    return script.program(f"abandoned after {after}")


def _too_long(machine: Machine, more: int) -> Program:
    """A count that says that instructions follow the END."""
    program = _store_outside(machine, DATA + 0x4000)
    return replace(program, name=f"{more} instructions too many", count=program.count + more)


def _bad_command(machine: Machine, number: int) -> Program:
    """A sound pass, then one with a field that is wrong in one bit, or two that contradict each other."""
    script = Script(machine, 37, number)
    rng, array = script.rng, machine.hw.array
    tile = script.tile()
    script.load(Kind.WEIGHTS, 0, tile.words)
    script.load(Kind.ACTIVATIONS, 0, script.vectors(20))
    script.load_table(0, np.zeros((1, array.rows), np.int64))
    script.plain_parameters(0, 8)
    last_load_signals(script, X, S)
    script.setup((1, 1, 1, 3), (0, 0, 0, 1), wait=WAIT_L)
    word = tile.command(3, first=True, last=True).to_word()
    script.run(tile.command(3, first=True, last=True), tile)
    if number < COMMAND_BITS - 3:
        word ^= 1 << number
    else:
        word = word & ~(3 << 36) | int(rng.choice(list(Encoding))) << 36
    script.add(isa.Pass(command=Command.from_word(word), words=len(tile.words), base=2))
    script.store(3, wait=WAIT_L)
    script.store(3)
    return _broken_off(script, f"command with bit {number} changed", 60)
