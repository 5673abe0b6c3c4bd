"""The array against its twin: every row and column takes any value in any clock, skewed or not."""

from __future__ import annotations

import random

import pytest

from skipbeat_arch import ports
from skipbeat_hw.core.array import SystolicArray
from skipbeat_sim.core.array import Array
from tests.hw.stimulus import Source, Wire, bits, elements, often
from tests.hw.twins import Pair, Size, Where, cases, hold


def _sources(size: Size, kind: str, rng: random.Random) -> list[Source]:
    hw = size.hw
    group, activation = size.group, size.activation_bits
    slot, weight = ports.slot_bits(hw), ports.word_bits(ports.pe_weight_fields(hw))
    enable = often(rng, 0.3)
    return [
        Wire("bundles_i", elements(rng, size.rows * group, activation)),
        Wire("slots_i", elements(rng, size.rows, slot)),
        Wire("write_enable_i", lambda: ports.pack_array([enable() for _ in range(size.rows)], 1)),
        Wire("write_address_i", bits(rng, slot)),
        Wire("weights_i", elements(rng, size.cols, weight)),
    ]


ARRAY = Pair("array", lambda size: SystolicArray(size.hw), lambda size: Array(size.hw), _sources)


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 2, 4), Size(1, 1, 8, weight_bits=5)],
        [Size(4, 4, 16, activation_bits=6), Size(8, 8, 4), Size(2, 3, 32), Size(1, 8, 4), Size(8, 1, 4, weight_bits=3)],
    ),
)
def test_array(size: Size, where: Where) -> None:
    hold(ARRAY, size, where)
