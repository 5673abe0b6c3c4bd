"""Tokens by the dozen, full queues, and numbers whose high bits show in what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skipbeat_arch.command import COMMAND_FIELDS, Encoding
from skipbeat_arch.instruction import Engine, Kind, Opcode
from skipbeat_arch.machine import Machine
from tests.mutation.script import DATA, WAIT_L, Program, Script, last_load_signals
from tests.sim.machine.machine_loads import L, S, X

#: Clocks after which a program that does not end is left.
UNFINISHED = 500
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


def error_cases(machine: Machine) -> Iterator[Program]:
    """Programs that end in an error or not at all, another one for each bit of a number."""
    for bit in range(19, 32):
        yield _load_outside(machine, 1 << bit, 3)
        yield _store_outside(machine, 1 << bit)
        yield _program_outside(machine, bit)
    for bit in range(10, 16):
        yield _load_outside(machine, (1 << 19) - 40 * machine.vector, 1 << bit | 3)
        yield _long_zero(machine, 1 << bit | 3)
    for bit in range(3, 14):
        yield _long_store(machine, 1 << bit | 3)
    for bit in range(8, 24):
        yield _too_long(machine, 1 << bit)
    for number in range(40):
        yield _bad_command(machine, number)


def _one(script: Script, engine: Engine, wait: tuple[Engine, ...], signal: tuple[Engine, ...]) -> None:
    """The least that an engine can do."""
    if engine == L:
        script.add(Opcode.ZERO, {"to": 0, "count": 1}, wait, signal)
    elif engine == X:
        script.setup((1, 1, 1, 1), (0, 0, 0, 0), wait=wait, signal=signal)
    else:
        script.null(1)
        script.store(1, wait=wait, signal=signal)


def _idle(script: Script, instructions: int) -> None:
    """Instructions that do nothing but take time to be fetched."""
    place = {"to": 0, "width": 1, "pitch": 1, "period": 0, "bank": 0}
    for _ in range(instructions):
        script.add(Opcode.PLACE, place)


def _tokens(machine: Machine, source: Engine, sink: Engine, count: int) -> Program:
    script = Script(machine, 30, source, sink, count)
    script.plain_parameters(0, 1)
    for _ in range(count):
        _one(script, source, (), (sink,))
    _idle(script, 100)
    for _ in range(TOKENS):
        _one(script, sink, (source,), ())
    # What the last of the source's instructions does must be there before END; a store waits for itself.
    if sink != S:
        _one(script, sink, (), (S,))
        script.null(1)
        script.store(1, wait=(sink,))
    return script.program(f"{count} tokens from {source.name.lower()} to {sink.name.lower()}")


def _full_queue(machine: Machine, engine: Engine) -> Program:
    """One engine is held up while all its queue, and the queue of fetched instructions behind it, fill."""
    script = Script(machine, 31, engine)
    script.plain_parameters(0, 1)
    script.add(Opcode.ZERO, {"to": 0, "count": machine.bank_depth}, (), () if engine == L else (engine,))
    for number in range(90):
        wait = WAIT_L if number == 0 and engine != L else ()
        if engine == L:
            script.add(Opcode.ZERO, {"to": number, "count": 1})
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


def _load_outside(machine: Machine, source: int, count: int) -> Program:
    script = Script(machine, 33)
    script.load(Kind.WEIGHTS, 0, script.vectors(4))
    place = {"to": 0, "width": 1, "pitch": 1, "period": 0, "bank": 0, "kind": Kind.WEIGHTS}
    script.add(Opcode.LOAD, place | {"count": count, "source": source}, (), (S,))
    script.null(1)
    script.store(1, wait=WAIT_L)
    return script.program(f"load of {count} vectors at {source:#x}", UNFINISHED)


def _store_outside(machine: Machine, address: int) -> Program:
    script = Script(machine, 34)
    script.plain_parameters(0, 1)
    last_load_signals(script, S)
    script.null(3)
    script.store(3, wait=WAIT_L, address=address)
    return script.program(f"store at {address:#x}")


def _program_outside(machine: Machine, bit: int) -> Program:
    program = _store_outside(machine, DATA + 0x4000)
    return Program(
        name=f"program at bit {bit}", memory=program.memory, count=program.count, address=1 << bit
    )


def _long_zero(machine: Machine, count: int) -> Program:
    """A ZERO that is not over when what waits for it would long have begun."""
    script = Script(machine, 35, count)
    script.add(Opcode.ZERO, {"to": 5, "count": count})
    script.load(Kind.WEIGHTS, 0, script.vectors(4))
    return script.program(f"zero of {count}", UNFINISHED)


def _long_store(machine: Machine, count: int) -> Program:
    """A STORE for which there are not enough results."""
    script = Script(machine, 36, count)
    script.plain_parameters(0, 1)
    last_load_signals(script, S)
    script.null(3)
    script.store(count, wait=WAIT_L, memory=0, local=1, address=0)
    script.store(1, memory=1, address=DATA + 0x4000)
    return script.program(f"store of {count}", UNFINISHED)


def _broken_off(script: Script, name: str, after: int) -> Program:
    _idle(script, after)
    script.add(Opcode.HEADER, {"version": 0, "fingerprint": 0})
    return script.program(name)


def _too_long(machine: Machine, more: int) -> Program:
    """A count that says that instructions follow the END."""
    program = _store_outside(machine, DATA + 0x4000)
    return Program(name=f"{more} instructions too many", memory=program.memory, count=program.count + more)


def _bad_command(machine: Machine, number: int) -> Program:
    """A sound pass, then one with a field that is wrong in one bit, or two that contradict each other."""
    script = Script(machine, 37, number)
    rng, array = script.rng, machine.hw.array
    tile = script.tile()
    script.load(Kind.WEIGHTS, 0, tile.words)
    script.load(Kind.ACTIVATIONS, 0, script.vectors(20), width=40)
    script.load_table(0, np.zeros((1, array.rows), np.int64))
    script.plain_parameters(0, 8)
    last_load_signals(script, X, S)
    script.setup((1, 1, 1, 3), (0, 0, 0, 1), wait=WAIT_L)
    word = tile.command(3, first=True, last=True).to_word()
    script.run(tile.command(3, first=True, last=True), tile)
    bits = sum(size for _, size in COMMAND_FIELDS)
    if number < bits - 3:
        word ^= 1 << number
    else:
        word = word & ~(3 << 36) | int(rng.choice(list(Encoding))) << 36
    fields = {"command": word, "words": len(tile.words), "weights": 0, "base": 2, "table": 0}
    script.add(Opcode.PASS, fields)
    script.store(3, wait=WAIT_L)
    script.store(3)
    return _broken_off(script, f"command with bit {number} changed", 60)
