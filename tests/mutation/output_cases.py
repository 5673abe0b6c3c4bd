"""Stores in which every bit of sum, bias, multipliers, residual, shift and clamp counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skipbeat_arch.instruction import Kind
from skipbeat_arch.machine import Machine
from tests.mutation.script import WAIT_L, Program, Script, last_load_signals
from tests.sim.machine.machine_loads import S, X

#: Bits of the sums of a pass with random weights, about.
SUM_BITS = 17
STORES = 24


def output_cases(machine: Machine) -> Iterator[Program]:
    """Sums of random passes or none, with parameters that leave results of up to eight bits."""
    for seed in range(4):
        yield _requantise(machine, seed)
    yield _full_halves(machine)


def _requantise(machine: Machine, seed: int) -> Program:
    script = Script(machine, 10, seed)
    rng = script.rng
    script.load(Kind.RESIDUAL, 0, script.vectors(machine.residual_depth))
    script.load_table(0, rng.integers(0, 4, (1, machine.hw.array.rows)))
    script.load_banks(96)
    tile = script.full_tile()
    script.load(Kind.WEIGHTS, 0, tile.words)
    blocks, nulls = rng.permutation(64)[:STORES], rng.random(STORES) < 0.5
    for block, null in zip(blocks, nulls, strict=True):
        _parameters(script, int(block), bool(null))
    last_load_signals(script, X, S)
    for number, (block, null) in enumerate(zip(blocks, nulls, strict=True)):
        pool, count = int(rng.choice([1, 1, 1, 2, 5])), int(rng.integers(1, 5))
        pixels = pool * count
        wait = WAIT_L if number == 0 else ()
        if null:
            script.null(pixels, wait=wait)
        else:
            script.setup((1, 1, 1, pixels), (0, 0, 0, 1), wait=wait)
            command = tile.command(pixels, first=True, last=True)
            script.run(command, tile, base=int(rng.integers(0, 60)))
        low, high = sorted(rng.integers(-128, 128, 2).tolist()) if rng.random() < 0.4 else (-128, 127)
        script.store(
            count, wait=wait, block=int(block), low=low % 256, high=high % 256, pool=pool, residual=int(rng.random() < 0.6),
            raw=int(pool == 1 and rng.random() < 0.2), residual_at=int(rng.integers(0, machine.residual_depth - 8)),
        )  # fmt: skip
    return script.program(f"requantisation {seed}")


def _parameters(script: Script, block: int, null: bool) -> None:
    """Multipliers and shifts that match the magnitude of sum and bias; one channel in six saturates."""
    columns = [_channel(script.rng, null) for _ in range(script.machine.vector)]
    bias, multiplier, other, shift = (np.array(column, np.int64) for column in zip(*columns, strict=True))
    script.load_parameters(block, bias, multiplier, other, shift)


def _channel(rng: np.random.Generator, null: bool) -> tuple[int, int, int, int]:
    size = int(rng.integers(0, 32))
    if null or rng.random() < 0.3:
        bias = _of_bits(rng, size)
    else:
        size, bias = SUM_BITS, _of_bits(rng, int(rng.integers(0, SUM_BITS)))
    if rng.random() < 0.1:  # sum and bias in 33 bits
        size, bias = 31, (1 << 31) - 1 - _of_bits(rng, 15)
    bias = -bias if rng.random() < 0.5 else bias
    # Sum, multiplier and shift: size + bits - shift is what is left of the result.
    left = int(rng.integers(5, 9)) if rng.random() < 5 / 6 else int(rng.integers(8, 60))
    bits = int(rng.integers(1, 32))
    shift = max(1, min(62, size + bits - left))
    bits = max(1, min(31, shift + left - size))
    other = max(1, min(31, shift - int(rng.integers(0, 5))))
    return bias, _of_bits(rng, bits), _of_bits(rng, other), shift


def _of_bits(rng: np.random.Generator, bits: int) -> int:
    """A random number of exactly so many bits."""
    return 0 if bits == 0 else int(rng.integers(1 << (bits - 1), 1 << bits))


def _full_halves(machine: Machine) -> Program:
    """Stores that fill both halves of the output memory with what is in the residual memory."""
    script = Script(machine, 11)
    depth = machine.output_depth
    script.load(Kind.RESIDUAL, 0, script.vectors(machine.residual_depth))
    script.plain_parameters(63, 3)
    last_load_signals(script, S)
    for number in range(4):
        script.null(depth)
        at = machine.residual_depth // 4 * number
        script.store(depth, wait=() if number else WAIT_L, block=63, residual=1, residual_at=at)
    return script.program("full halves")
