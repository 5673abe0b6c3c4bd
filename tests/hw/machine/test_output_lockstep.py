"""The output stage against its twin: sums, parameters and residuals of every size, pooled, clamped or raw."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from skipbeat_arch import ports
from skipbeat_arch.instruction import Opcode
from skipbeat_arch.machine import PARAMETER_PITCH
from skipbeat_hw.machine.output import OutputStage
from skipbeat_sim.machine.output import OutputStage as OutputStageTwin
from tests.hw.machine.lockstep_parts import ReadPort, Shape, cases, if_any, word
from tests.hw.stimulus import Fresh, Offer, Source, elements, sometimes
from tests.hw.twins import Meaning, Pair, Where, hold

#: Where the vectors of each kind of parameter begin, behind the bias; those of the shift are one.
MULTIPLIERS, SHIFTS, UNUSED = 4, 12, 13


def _signed(rng: random.Random) -> int:
    """32 bits of any magnitude, so that some sums are clamped and some are not."""
    return rng.choice([-1, 1]) * rng.getrandbits(rng.randint(0, 31)) if rng.random() < 0.9 else -(1 << 31)


def _parameters(shape: Shape, rng: random.Random, address: int) -> int:
    """A vector of parameters, by its place in its block."""
    at = address % PARAMETER_PITCH
    if at < MULTIPLIERS:
        return ports.pack_array([_signed(rng) for _ in range(shape.cols // 4)], 32)
    if at < SHIFTS:
        return ports.pack_array([_multiplier(rng) for _ in range(shape.cols // 4)], 32)
    if at < UNUSED:
        return ports.pack_array([rng.randint(1, 62) for _ in range(shape.cols)], 8)
    return rng.getrandbits(8 * shape.cols)


def _multiplier(rng: random.Random) -> int:
    return max(1, rng.getrandbits(rng.randint(1, 31))) if rng.random() < 0.9 else (1 << 31) - 1


def _jobs(rng: random.Random) -> Iterator[int]:
    while True:
        raw = int(rng.random() < 0.2)
        low, high = sorted(rng.choice([(-128, 127), (rng.randint(-128, 127), rng.randint(-128, 127))]))
        pool = 1 if raw else rng.choice([1, 1, 2, 3, 4, rng.randint(1, 31)])
        count = rng.randint(1, max(1, 16 // pool))
        yield word(
            Opcode.STORE, rng, raw=raw, count=count, pool=pool, low=low & 255, high=high & 255, local=0, memory=1
        )


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        sums = iter(lambda: ports.pack_array([_signed(rng) for _ in range(shape.cols)], 32), -1)
        residuals = elements(rng, shape.cols, 8)
        return [
            Offer("jobs", sometimes(rng), _jobs(rng)),
            Offer("results", sometimes(rng), sums),
            ReadPort("parameter_i", "parameter_address_o", lambda address: _parameters(shape, rng, address)),
            ReadPort("residual_i", "residual_address_o", lambda _: residuals()),
        ]

    return [Fresh(begin)]


def _while_busy() -> Meaning:
    return lambda values: 0 if values["jobs__ready"] else -1


OUTPUT = Pair(
    "output_stage",
    lambda shape: OutputStage(shape.machine),
    lambda shape: OutputStageTwin(shape.machine),
    _sources,
    meaning={"parameter_address_o": _while_busy(), "residual_address_o": _while_busy(), **if_any("vector_o")},
)


@pytest.mark.parametrize(("shape", "where"), cases())
def test_output_stage(shape: Shape, where: Where) -> None:
    hold(OUTPUT, shape, where)
