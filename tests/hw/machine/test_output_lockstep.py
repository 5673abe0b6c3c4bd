"""The output stage against its twin: sums, parameters and residuals of every size, pooled, clamped or raw."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from unittest.mock import patch

import pytest
from amaranth.lib.wiring import Component

from skipbeat_arch import ports
from skipbeat_arch.engines import Opcode
from skipbeat_arch.instruction import Store
from skipbeat_arch.machine import PARAMETER_PITCH
from skipbeat_hw.machine.gradient_lanes import GradientLanes
from skipbeat_hw.machine.output import OutputStage
from skipbeat_hw.machine.store import StoreEngine
from tests.hw.in_process import converted, refuses
from tests.hw.machine.lockstep_parts import NARROW, SHAPES, SMALL, ReadPort, Shape, cases, if_any, word
from tests.hw.stimulus import Fresh, Offer, Source, often, sometimes
from tests.hw.twins import Meaning, Pair, Where, hold

#: Where the vectors of each kind of parameter begin, behind the bias; those of the shift are one.
MULTIPLIERS, SHIFTS, UNUSED = 4, 12, 13
#: Items of the longest job.
LONGEST = (1 << 14) - 1


@dataclass(frozen=True)
class Numbers:
    """Numbers of any magnitude, so that some results are clamped and some are not.

    Attributes:
        lowest: share of sums and biases that are the lowest there is, which alone needs every bit of a product.
        largest: share of multipliers that are the largest there is.
        tie: k, if all multipliers are 2**k and all shifts k + 1, so that each odd sum lies between two results and
            must go up; sums are small then.
    """

    rng: random.Random
    lowest: float
    largest: float
    tie: int | None = None

    def signed(self, bits: int, lowest: float) -> int:
        """Two's complement."""
        if self.tie is not None:
            return self.rng.randint(-90, 90)
        if self.rng.random() < lowest:
            return -1 << (bits - 1)
        return self.rng.choice([-1, 1]) * self.rng.getrandbits(self.rng.randint(0, bits - 1))

    def multiplier(self) -> int:
        """31 bits, positive."""
        if self.tie is not None:
            return 1 << self.tie
        if self.rng.random() < self.largest:
            return (1 << 31) - 1
        return max(1, self.rng.getrandbits(self.rng.randint(1, 31)))

    def parameters(self, shape: Shape, address: int) -> int:
        """A vector of parameters, by its place in its block."""
        at, bits = address % PARAMETER_PITCH, 8 * shape.cols
        if at < SHIFTS:
            words = [self.signed(32, self.lowest) if at < MULTIPLIERS else self.multiplier() for _ in range(shape.cols)]
            return ports.pack_array(words, 32) >> bits * (at % 4) & (1 << bits) - 1
        if at < UNUSED:
            shifts = [self.rng.randint(1, 62) if self.tie is None else self.tie + 1 for _ in range(shape.cols)]
            return ports.pack_array(shifts, 8)
        return self.rng.getrandbits(8 * shape.cols)

    def sums(self, shape: Shape) -> int:
        """An item."""
        return ports.pack_array([self.signed(32, self.lowest) for _ in range(shape.cols)], 32)

    def residuals(self, shape: Shape) -> int:
        """A vector of the residual memory, often the lowest number."""
        return ports.pack_array([self.signed(8, 0.3) for _ in range(shape.cols)], 8)


def _job(rng: random.Random, **fields: int) -> int:
    low, high = sorted(rng.choice([(-128, 127), (0, 127), (rng.randint(-128, 127), rng.randint(-128, 127))]))
    block = rng.choice([0, 63, rng.randrange(64)])
    stochastic = int(rng.random() < 0.5)
    placed = not (stochastic or fields["raw"]) and rng.random() < 0.5
    return word(
        Opcode.STORE,
        rng,
        block=block,
        low=low & 255,
        high=high & 255,
        local=rng.getrandbits(1),
        memory=1,
        stochastic=stochastic,
        noted=int(rng.random() < 0.6),
        places=int(placed),
        **fields,
    )


def _jobs(rng: random.Random) -> Iterator[int]:
    """Jobs of a few items, now and then of many, or of pools as large as can be."""
    while True:
        raw = int(rng.random() < 0.2)
        pool = 1 if raw else rng.choice([1, 1, 2, 3, 4, rng.randint(1, 31)])
        most = rng.choice([16, 16, 16, 64]) // pool
        yield _job(rng, raw=raw, count=rng.randint(1, max(1, most)), pool=pool)


def _sources(shape: Shape, kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        ties = (0.0, 0.0, rng.randrange(31))
        numbers = Numbers(rng, *rng.choice([(0.1, 0.1, None), (0.0, 0.5, None), (0.6, 0.6, None), ties]))
        jobs = iter([_job(rng, raw=0, count=LONGEST, pool=1)]) if kind == "longest" else _jobs(rng)
        willing = often(rng, 1.0) if kind == "longest" else sometimes(rng)
        return [
            Offer("jobs", sometimes(rng), jobs),
            Offer("results", willing, iter(lambda: numbers.sums(shape), -1)),
            ReadPort("parameter_i", "parameter_address_o", lambda address: numbers.parameters(shape, address)),
            ReadPort("residual_i", "residual_address_o", lambda _: numbers.residuals(shape), "residual_enable_o"),
        ]

    return [Fresh(begin)]


def _while_busy() -> Meaning:
    return lambda values: 0 if values["jobs__ready"] else -1


OUTPUT = Pair(
    "output_stage",
    OutputStage,
    _sources,
    meaning={"parameter_address_o": _while_busy(), "residual_address_o": _while_busy(), **if_any("vector_o")},
)


GRADIENTS = replace(NARROW, gradients=True)
#: A vector is two bytes: half a sum.
TWO = Shape(4, 2, 1, beat=2)


@pytest.mark.parametrize(
    ("shape", "where"),
    [
        *cases(clocks=6000, slow=(*SHAPES, TWO)),
        *cases(GRADIENTS, slow=[replace(each, gradients=True) for each in SHAPES])[1:],
    ],
)
def test_output_stage(shape: Shape, where: Where) -> None:
    hold(OUTPUT, shape, where)


@pytest.mark.slow
def test_longest_job() -> None:
    """One job after one reset: every bit of the counts and of the residual's address."""
    where = Where("verilator", "shared", LONGEST + 100)
    seen = hold(replace(OUTPUT, kinds=("longest",)), SMALL, where, reset_share=0.0)
    assert max(word >> (2 + 8 * SMALL.cols) for word in seen["vector_o"]) == LONGEST - 1


@pytest.mark.parametrize("part", [OutputStage, StoreEngine])
def test_without_gradients_the_rtl_is_as_if_there_were_none(part: type[Component]) -> None:
    """By its hash: the Verilog where a STORE has no field of them, and no lane for them can be made."""
    usual = Store.full_layout()
    without = tuple(field for field in usual if field[0] not in {"stochastic", "seed", "noted", "places"})
    text = _digest(part)
    with (
        patch.object(Store, "full_layout", lambda: without),
        patch.object(GradientLanes, "__init__", side_effect=AssertionError),
    ):
        assert _digest(part) == text
    assert len(usual) == len(without) + 4


def _digest(part: type[Component]) -> str:
    return sha256(converted(part(SMALL.machine), "part").encode()).hexdigest()


def test_wants_a_machine() -> None:
    refuses(OutputStage)
