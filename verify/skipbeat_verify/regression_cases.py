"""The random cases of the regression: case `index` of `seed` is a pure function of the two and of the hardware."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int8Array
from skipbeat_arch.hardware import Hardware, Numbers
from skipbeat_arch.machine import Machine
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.stream import PORTS
from skipbeat_arch.workload import Gemm

from .contradictions import Contradiction, contradiction, kinds_of
from .core_passes import CorePasses, random_bundles, small_hardware
from .core_program import core_program
from .core_streams import CoreStreams
from .random_gemm import random_gemm

#: Every so manieth case, on average, holds a contradictory stream.
_CONTRADICTION_SHARE = 1 / 6
_EXTREME_SHARE = 1 / 6
_IDEAL_SHARE = 1 / 3
_UNIT_SHARE = 1 / 5
_GEMM_SHARE = 1 / 2
_AGAIN_SHARE, _NULL_SHARE = 1 / 5, 1 / 10
#: Most blocks of a case, and most passes of a block.
_MOST = 4
_MAX_PIXELS = 40
#: Clocks of a pattern of willingness before it repeats: prime, so that it does not follow the beats.
_PERIOD = 499


def _hardware(rows: int, cols: int, group: int, lanes: int, depth: int, numbers: Numbers | None = None) -> Hardware:
    hw = small_hardware(rows, cols, group, lanes, depth, numbers)
    return hw.model_copy(update={"name": f"regress-{rows}x{cols}-m{group}"})


#: Hardware and how often it is drawn: few, because each is compiled once; the largest compiles for a minute.
POOL: tuple[tuple[Hardware, int], ...] = (
    (_hardware(2, 2, 4, 1, 4), 3),
    (_hardware(1, 3, 8, 3, 16), 2),
    (_hardware(3, 5, 16, 1, 7), 3),
    (_hardware(4, 4, 4, 2, 64), 3),
    (_hardware(5, 6, 4, 6, 32, Numbers(weight_bits=5, activation_bits=7, accumulator_bits=24)), 2),
    (_hardware(4, 8, 8, 4, 16), 3),
    (_hardware(4, 4, 1, 1, 16), 2),
    (_hardware(8, 8, 4, 8, 64), 2),
    (_hardware(16, 16, 4, 4, 32), 1),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressionCase:
    """One case.

    Attributes:
        hardware: the core that it runs on.
        gemm: sizes of a product whose program of the machine runs; None for passes at random.
        pattern: sparsity of the weights.
        extreme: all values are the lowest or the highest that the hardware's numbers have.
        draw: makes the streams, a pure function.
        willing: idle and back-pressure by port (`skipbeat_arch.stream`).
        wrong: a contradictory stream that runs, and ends in its error, before a reset and the passes; None without.
    """

    seed: int
    index: int
    hardware: Hardware
    gemm: Gemm | None
    pattern: Pattern
    extreme: bool
    draw: Callable[[], CoreStreams]
    willing: dict[str, BoolArray]
    wrong: Contradiction | None

    @cached_property
    def streams(self) -> CoreStreams:
        """What the core is offered, and the sums that it must return."""
        return self.draw()

    @property
    def ideal(self) -> bool:
        """No port ever waits for the outside."""
        return all(bool(pattern.all()) for pattern in self.willing.values())

    def __str__(self) -> str:
        what = f"{self.gemm.p},{self.gemm.c},{self.gemm.k}" if self.gemm else "passes at random,"
        text = f"{self.hardware.name}, {what} {self.pattern}{' extreme' if self.extreme else ''}"
        shares = ", ".join(f"{port} {pattern.mean():.0%}" for port, pattern in self.willing.items())
        text += ", ideal ports" if self.ideal else f", willing: {shares}"
        return f"{text}, after {self.wrong.kind}" if self.wrong else text


def regression_case(seed: int, index: int, hardware: Hardware | None = None) -> RegressionCase:
    """Case `index` (from 0) of a seed, on `hardware` or else on one of the pool.

    Where the core has a machine around it, half of the cases are the passes of a GEMM's program.
    """
    rng = np.random.default_rng([seed, index])
    drawn = _drawn(rng)
    hw = hardware or drawn
    pattern = _pattern(rng)
    gemm = _gemm(rng, hw) if Machine.fits(hw) and rng.random() < _GEMM_SHARE else None
    extreme = bool(rng.random() < _EXTREME_SHARE)
    willing = random_willing(rng)
    wrong = None
    if rng.random() < _CONTRADICTION_SHARE:
        kinds = kinds_of(hw)
        wrong = contradiction(kinds[int(rng.integers(len(kinds)))], hw, rng, random_willing(rng))
    own = int(rng.integers(2**32))
    return RegressionCase(
        seed=seed,
        index=index,
        hardware=hw,
        gemm=gemm,
        pattern=pattern,
        extreme=extreme,
        draw=partial(_gemm_streams, hw, gemm, pattern, extreme, own)
        if gemm
        else partial(_random_streams, hw, pattern, extreme, own),
        willing=willing,
        wrong=wrong,
    )


def hardware_of(seed: int, index: int) -> Hardware:
    """What a case draws from the pool; the rest of the case is not drawn."""
    return _drawn(np.random.default_rng([seed, index]))


def _drawn(rng: np.random.Generator) -> Hardware:
    shares = np.array([share for _, share in POOL], np.float64)
    return POOL[int(rng.choice(len(POOL), p=shares / shares.sum()))][0]


def _gemm_streams(hw: Hardware, gemm: Gemm, pattern: Pattern, extreme: bool, seed: int) -> CoreStreams:
    """The passes of a GEMM's program of the machine; what its STOREs make of the sums is `x · w`.

    Raises:
        AssertionError: it is not.
    """
    program = core_program(*_values(hw, gemm, pattern, extreme, np.random.default_rng(seed)), hw)
    expected = program.x.astype(np.int64) @ program.w.astype(np.int64)
    assert np.array_equal(program.collect(program.streams.sums), expected), "the program does not compute x · w"
    return program.streams


def _random_streams(hw: Hardware, pattern: Pattern, extreme: bool, seed: int) -> CoreStreams:
    """A few blocks of a few passes each: new tiles, the resident one again, and null passes."""
    rng = np.random.default_rng(seed)
    passes = CorePasses(hw)
    for _ in range(int(rng.integers(1, _MOST + 1))):
        pixels = _size(rng, min(_MAX_PIXELS, hw.accumulators.depth))
        count = int(rng.integers(1, _MOST + 1))
        for number in range(count):
            first, last = number == 0, number == count - 1
            rows, cols = _size(rng, hw.array.rows), _size(rng, hw.array.cols)
            used = Gemm(p=pixels, c=rows * hw.array.group, k=cols)
            x, w = _values(hw, used, pattern, extreme, rng)
            bundles = random_bundles(rng, hw, pixels)  # rows that no tile uses are not zero either
            bundles[:, :rows] = x.reshape(pixels, rows, hw.array.group)
            if passes.tiles and rng.random() < _AGAIN_SHARE:
                passes.again(bundles, first=first, last=last)
            elif w.any() and rng.random() >= _NULL_SHARE:
                passes.load(w.reshape(rows, hw.array.group, cols), bundles, first=first, last=last)
            else:
                passes.null(pixels, first=first, last=last)
    return passes.streams()


def _values(
    hw: Hardware, gemm: Gemm, pattern: Pattern, extreme: bool, rng: np.random.Generator
) -> tuple[Int8Array, Int8Array]:
    x, w = random_gemm(gemm, pattern, hw, int(rng.integers(2**32)))
    if not extreme:
        return x, w
    return _extremes(rng, x, hw.numbers.activation_bits), _extremes(rng, w, hw.numbers.weight_bits)


def _size(rng: np.random.Generator, most: int) -> int:
    """A size up to the largest, and often 1."""
    return 1 if rng.random() < _UNIT_SHARE else int(rng.integers(1, most + 1))


def _gemm(rng: np.random.Generator, hw: Hardware) -> Gemm:
    """Sizes that seldom fit: up to two tiles and a bit of each axis."""
    array = hw.array
    return Gemm(
        p=_size(rng, _MAX_PIXELS), c=_size(rng, 2 * array.rows * array.group + 3), k=_size(rng, 2 * array.cols + 3)
    )


def _pattern(rng: np.random.Generator) -> Pattern:
    kind = int(rng.integers(8))
    if kind < 3:  # M need not be the hardware's
        m = int(rng.choice([4, 8, 16]))
        return Pattern.parse(f"{int(rng.integers(1, m + 1))}:{m}")
    if kind < 5:
        return Pattern.parse(f"unstructured:{round(float(rng.random()), 2)}")
    return Pattern.parse(("dense", "block:0.5", "unstructured:0")[kind - 5])


def _extremes(rng: np.random.Generator, values: Int8Array, bits: int) -> Int8Array:
    """Each nonzero value becomes the lowest or the highest; in some cases all become the lowest."""
    low, high = integer_range(bits)
    choice = rng.random(values.shape) < (1.0 if rng.random() < 0.5 else 0.5)
    return np.where(values == 0, 0, np.where(choice, low, high)).astype(np.int8)


def random_willing(rng: np.random.Generator) -> dict[str, BoolArray]:
    """For each port a pattern of willingness: always in a third of the draws, else each port as it comes."""
    if rng.random() < _IDEAL_SHARE:
        return {port: np.ones(1, np.bool_) for port in PORTS}
    return {port: _port_pattern(rng) for port in PORTS}


def _port_pattern(rng: np.random.Generator) -> BoolArray:
    """Always; a share of the clocks, from seldom to nearly always; or long runs of both."""
    kind = int(rng.integers(5))
    if kind == 0:
        return np.ones(1, np.bool_)
    if kind < 4:
        pattern = rng.random(_PERIOD) < (0.1, 0.5, 0.9)[kind - 1]
    else:
        runs: list[int] = []
        while sum(runs) < _PERIOD:
            runs += [int(rng.integers(1, 120)), int(rng.integers(1, 60))]
        pattern = np.repeat(np.arange(len(runs)) % 2 == int(rng.integers(2)), runs)[:_PERIOD]
    pattern[int(rng.integers(_PERIOD))] = True
    return pattern


def case_indices(cases: int, only: Sequence[int] = ()) -> Sequence[int]:
    """The indices to run: 0..cases-1, or `only` some."""
    return only or range(cases)
