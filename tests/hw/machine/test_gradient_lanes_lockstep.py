"""The lanes for gradients against their twin: sums of every size, shifts, seeds, and draws that begin at any time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from skipbeat_arch.training.rounding import STORE_SEED_BITS, SUM_BITS
from skipbeat_hw.machine.gradient_lanes import GradientLanes
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import NARROW, SMALL, Shape, cases, if_any
from tests.hw.stimulus import Fresh, Source, Wire, bits, elements, often, sometimes
from tests.hw.twins import Pair, Where, hold

GRADIENTS = replace(NARROW, gradients=True)


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        shift = rng.choice((0, 1, rng.randint(2, 31), 32, 63))
        return [
            Wire("shift_i", lambda: shift),
            Wire("seed_i", bits(rng, STORE_SEED_BITS)),
            Wire("begin_i", often(rng, 0.1)),
            Wire("valid_i", sometimes(rng)),
            Wire("sums_i", elements(rng, shape.lanes, 33)),
            Wire("nearest_i", sometimes(rng)),
            Wire("scaled_i", elements(rng, shape.lanes, SUM_BITS)),
            Wire("clipped_i", bits(rng, shape.lanes)),
        ]

    return [Fresh(begin)]


LANES = Pair("gradient_lanes", GradientLanes, _sources, meaning=if_any("bytes_o"))


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "where"), cases(GRADIENTS, slow=(replace(SMALL, gradients=True),)))
def test_gradient_lanes(shape: Shape, where: Where) -> None:
    hold(LANES, shape, where, reset_share=0.05)


def test_wants_a_machine() -> None:
    refuses(GradientLanes)
