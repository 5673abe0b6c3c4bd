"""Stores in which every bit of sum, bias, multipliers, residual, shift and clamp counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import pack_tile
from tests.mutation.script import WAIT_L, Program, Script, last_load_signals
from tests.sim.machine.machine_loads import S, X

#: Bits of the sums of a pass with random weights, about.
SUM_BITS = 17
STORES = 32
#: Residuals that are powers of two, at the start of the residual memory.
POWERS = 7


def output_cases(machine: Machine) -> Iterator[Program]:
    """Sums of random passes or none, with parameters that leave results of up to eight bits."""
    for seed in range(16):
        yield _requantise(machine, seed)
    for seed in range(6):
        yield _saturating(machine, seed)
    yield _full_halves(machine)
    for seed in range(4):
        yield _late_store(machine, seed)
    for seed in range(2):
        yield _every_shift(machine, seed)
        yield _cancelling(machine, seed)
    yield _near_windows(machine)


def _requantise(machine: Machine, seed: int) -> Program:
    script = Script(machine, 10, seed)
    rng = script.rng
    script.load(Kind.RESIDUAL, 0, np.concatenate([_powers(machine), script.vectors(machine.residual_depth - POWERS)]))
    script.load_table(0, rng.integers(0, 4, (1, machine.hw.array.rows)))
    script.load_banks(96)
    tile = script.full_tile()
    script.load(Kind.WEIGHTS, 0, tile.words)
    blocks, nulls, powers = rng.permutation(64)[:STORES], rng.random(STORES) < 0.7, rng.integers(0, POWERS, STORES)
    for block, null, power in zip(blocks, nulls, powers, strict=True):
        _parameters(script, int(block), int(power) if null else None)
    last_load_signals(script, X, S)
    for number, (block, null, power) in enumerate(zip(blocks, nulls, powers, strict=True)):
        pool, count = int(rng.choice([1, 1, 1, 2, 5])), 1 if null else int(rng.integers(1, 13))
        pixels = pool * count
        wait = WAIT_L if number == 0 else ()
        if null:
            script.null(pixels, wait=wait)
        else:
            script.setup((1, 1, 1, pixels), (0, 0, 0, 1), wait=wait)
            command = tile.command(pixels, first=True, last=True)
            script.run(command, tile, base=int(rng.integers(0, 30)))
        low, high = sorted(rng.integers(-128, 128, 2).tolist()) if rng.random() < 0.3 else (-128, 127)
        script.store(
            count,
            wait=wait,
            block=int(block),
            low=low,
            high=high,
            pool=pool,
            residual=int(rng.random() < 0.5),
            raw=int(pool == 1 and rng.random() < 0.2),
            residual_at=int(power) if null else int(rng.integers(0, machine.residual_depth - 12)),
        )
    return script.program(f"requantisation {seed}")


def _powers(machine: Machine) -> Int8Array:
    """Residuals 1, 2, ... 64, all channels alike."""
    return np.repeat(1 << np.arange(POWERS), machine.vector).reshape(POWERS, -1).astype(np.int8)


def _parameters(script: Script, block: int, power: int | None) -> None:
    """A block's parameters; `power`: of the residual, if the sums are zero and it is known."""
    rng = script.rng
    columns = [
        _on_the_edge(rng, power) if power is not None and rng.random() < 0.6 else _channel(rng, power is not None)
        for _ in range(script.machine.vector)
    ]
    bias, multiplier, other, shift = (np.array(column, np.int64) for column in zip(*columns, strict=True))
    script.load_parameters(block, bias, multiplier, other, shift)


def _on_the_edge(rng: np.random.Generator, power: int) -> tuple[int, int, int, int]:
    """A product that is just rounded up, or just not: by the bias, or by a residual of 2 to this power."""
    residual = rng.random() < 1 / 3
    factor = 1 << power if residual else _of_bits(rng, int(rng.integers(1, 31)))
    bits, left = int(rng.integers(2, 32)), int(rng.integers(0, 8))
    size = max(1, factor.bit_length() + bits - left)
    edge = ((factor * _of_bits(rng, bits)) >> size << size) + (1 << (size - 1))
    other = min((1 << 31) - 1, max(1, -(-edge // factor) - int(rng.integers(0, 2))))
    if residual:
        return 0, 1, other, size
    bias, multiplier = (other, factor) if rng.random() < 0.5 else (factor, other)
    return (-bias if rng.random() < 0.5 else bias), multiplier, 1, size


def _channel(rng: np.random.Generator, null: bool) -> tuple[int, int, int, int]:
    """Multipliers and shift that match the magnitude of sum and bias; one channel in six saturates."""
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


def _saturating(machine: Machine, seed: int) -> Program:
    """Products that are too large by any number of bits, after any shift."""
    script = Script(machine, 13, seed)
    rng = script.rng
    for block in range(64):
        shift = rng.integers(1, 55, machine.vector)
        bits = rng.integers(shift + 7, 63)
        of_bias = rng.integers(np.maximum(bits - 31, 1), np.minimum(bits, 31) + 1)
        bias, multiplier = (np.array([_of_bits(rng, int(n)) for n in each]) for each in (of_bias, bits - of_bias))
        bias *= rng.choice([-1, 1], machine.vector)
        script.load_parameters(block, bias, np.maximum(multiplier, 1), np.ones_like(bias), shift)
    last_load_signals(script, S)
    for block in range(64):
        script.null(1)
        script.store(1, wait=() if block else WAIT_L, block=block)
    return script.program(f"saturation {seed}")


def _full_halves(machine: Machine) -> Program:
    """Stores that fill both halves of the output memory with what is in the residual memory."""
    script = Script(machine, 11)
    depth = machine.output_depth
    script.load(Kind.RESIDUAL, 0, script.vectors(machine.residual_depth))
    script.plain_parameters(63, 3)
    last_load_signals(script, S)
    for number, count in enumerate((depth, depth - 1, depth * 2 // 3, depth // 3, depth - 2)):
        script.null(count)
        at = (machine.residual_depth // 4 * number) % (machine.residual_depth - depth + 1)
        script.store(count, wait=() if number else WAIT_L, block=63, residual=1, residual_at=at)
    return script.program("full halves")


def _late_store(machine: Machine, seed: int) -> Program:
    """Results that wait for their STORE, as many as there is room for, of passes of one step per pixel."""
    script = Script(machine, 12, seed)
    tile = script.tile(machine.hw.array.rows, machine.hw.array.cols, most=1)
    script.load(Kind.WEIGHTS, 0, tile.words)
    script.load_table(0, np.zeros((1, machine.hw.array.rows), np.int64))
    script.load_banks(100)
    script.plain_parameters(1, 4)
    last_load_signals(script, X)
    pixels = machine.output_depth // 4
    for number in range(3):
        script.setup((1, 1, 1, 3 * pixels), (0, 0, 0, 1), wait=() if number else WAIT_L)
        script.run(tile.command(3 * pixels, first=True, last=True), tile)
    script.add(isa.Zero(to=300, count=machine.bank_depth // 2, signal=(S,)))
    for number in range(9):
        script.store(pixels, wait=() if number else WAIT_L, block=1, raw=1)
    return script.program(f"late store {seed}")


def _every_shift(machine: Machine, seed: int) -> Program:
    """Products whose bits from the shift on are the result: of bias and multiplier, or of residuals of one size."""
    script = Script(machine, 14, seed)
    rng, many = script.rng, 8
    sizes = np.repeat(np.arange(1, 8), many)[:, None]
    lengths = np.maximum(sizes - rng.integers(0, 2, (len(sizes), machine.vector)), 0)
    script.load(Kind.RESIDUAL, 0, (rng.choice([-1, 1], lengths.shape) * ((1 << lengths) - 1)).astype(np.int8))
    of_residual = rng.integers(1, 8, 64)
    for block, size in enumerate(of_residual):
        shift = np.full(machine.vector, max(1, block - 1))
        bits = np.minimum(shift + 7, 61)
        if block % 2 == seed:
            other = [_of_bits(rng, int(n)) for n in np.clip(bits - size, 1, 31)]
            bias = multiplier = np.ones(machine.vector, np.int64)
            script.load_parameters(block, 0 * bias, multiplier, np.array(other), shift)
            continue
        of_bias = rng.integers(np.maximum(bits - 31, 1), np.minimum(bits, 31) + 1)
        bias, multiplier = (np.array([_of_bits(rng, int(n)) for n in each]) for each in (of_bias, bits - of_bias))
        sign = rng.choice([-1, 1], machine.vector)
        script.load_parameters(block, sign * bias, np.maximum(multiplier, 1), np.ones_like(bias), shift)
    last_load_signals(script, S)
    for block, size in enumerate(of_residual):
        residual = int(block % 2 == seed)
        count = many if residual else 1
        script.null(count)
        wait = () if block else WAIT_L
        script.store(count, wait=wait, block=block, residual=residual, residual_at=(int(size) - 1) * many)
    return script.program(f"every shift {seed}")


def _cancelling(machine: Machine, seed: int) -> Program:
    """Products of bias and of residual, each of any multiplier, that leave a few bits of their sum."""
    script = Script(machine, 16, seed)
    rng = script.rng
    residuals = [sign << power for sign in (1, -1) for power in range(POWERS)]
    script.load(Kind.RESIDUAL, 0, np.repeat(residuals, machine.vector).reshape(-1, machine.vector).astype(np.int8))
    rows = rng.integers(0, len(residuals), 64)
    for block, row in enumerate(rows):
        ones = np.ones(machine.vector, np.int64)
        other = np.array([_of_bits(rng, int(n)) for n in rng.integers(16, 32, machine.vector)])
        multiplier = np.clip(other + rng.integers(-3, 4, machine.vector), 1, (1 << 31) - 1)
        shift = rng.integers(1, 4) + row % POWERS
        script.load_parameters(block, -residuals[row] * ones, multiplier, other, shift * ones)
    last_load_signals(script, S)
    for block, row in enumerate(rows):
        script.null(1)
        script.store(1, wait=() if block else WAIT_L, block=block, residual=1, residual_at=int(row))
    return script.program(f"cancelling {seed}")


def _near_windows(machine: Machine) -> Program:
    """Windows of sums that differ by one or two, around each power of two and its negative."""
    script, array = Script(machine, 15), machine.hw.array
    rng, entries, turns = script.rng, 16, 8
    small = np.repeat([sign << power for sign in (1, -1) for power in range(7)], entries)
    activations = np.concatenate([small, rng.integers(-1, 2, entries)]).astype(np.int8)
    script.load(Kind.ACTIVATIONS, 0, np.repeat(activations[:, None], machine.vector, axis=1))
    offsets = np.zeros((1, array.rows), np.int64)
    factors, at = (1, 64), 0
    tiles = []
    for factor in factors:
        weights = np.zeros((array.rows, array.group, array.cols), np.int8)
        weights[0, 0], weights[1, 0] = factor, rng.choice([-1, 1], array.cols)
        tiles.append((pack_tile(weights, machine.hw), at))
        script.load(Kind.WEIGHTS, at, tiles[-1][0].words)
        at += len(tiles[-1][0].words)
    runs = [(number, index) for number in range(2) for index in range(14)]
    for entry, (number, index) in enumerate(runs):
        offsets[0, :2] = index * entries, 14 * entries
        script.load_table(entry, offsets)
        bias = np.full(machine.vector, -factors[number] * int(small[index * entries]))
        ones = np.ones_like(bias)
        script.load_parameters(entry, bias, 2 * ones, ones, ones)
    last_load_signals(script, X, S)
    for entry, (number, _) in enumerate(runs):
        tile, place = tiles[number]
        script.setup((1, 1, 1, entries), (0, 0, 0, 1), wait=() if entry else WAIT_L)
        script.run(tile.command(entries, first=True, last=True), tile, place, table=entry)
        script.store(turns, wait=() if entry else WAIT_L, block=entry, pool=entries // turns)
    return script.program("near windows")
