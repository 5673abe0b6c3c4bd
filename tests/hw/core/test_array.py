"""The array against its twin: every row and column takes any value in any clock, skewed or not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_hw.core.array import SystolicArray
from tests.hw.in_process import refuses, simulate
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


ARRAY = Pair("array", SystolicArray, _sources)


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 2, 4), Size(1, 1, 8, weight_bits=5)],
        [
            Size(3, 3, 1),
            Size(4, 4, 16, activation_bits=6),
            Size(8, 8, 4),
            Size(2, 3, 32),
            Size(1, 8, 4),
            Size(8, 1, 4, weight_bits=3),
        ],
    ),
)
def test_array(size: Size, where: Where) -> None:
    hold(ARRAY, size, where)


def test_two_by_two_multiply() -> None:
    """A dense product in Amaranth's simulator: no other tool, and no twin."""
    hw = Size(2, 2, 4).hw
    rng = np.random.default_rng(8)
    x, w = rng.integers(-128, 128, (5, 2, 4)), rng.integers(-128, 128, (2, 4, 2))
    start = 2 * 4 + 2
    clocks = start + len(x) * 4 + 8
    inputs = {name: [0] * clocks for name in ("bundles_i", "slots_i", "write_enable_i", "write_address_i", "weights_i")}
    for clock, (row, slot) in enumerate(np.ndindex(2, 4)):
        inputs["write_enable_i"][clock], inputs["write_address_i"][clock] = 1 << row, slot
        for col in range(2):  # a column later, a clock later
            weight = ports.pack(ports.pe_weight_fields(hw), {"value": int(w[row, slot, col]) & 255, "index": slot})
            inputs["weights_i"][clock + col] |= weight << 10 * col
    for step, (pixel, slot) in enumerate(np.ndindex(len(x), 4)):
        for row in range(2):  # a row later, a clock later
            bundle = ports.pack_array([int(v) & 255 for v in x[pixel, row]], 8)
            inputs["bundles_i"][start + step + row] |= bundle << 32 * row
            inputs["slots_i"][start + step + row] |= slot << 3 * row
    seen = simulate(SystolicArray(hw), inputs, ["psums_o"])["psums_o"]
    bits, y = hw.psum_bits, np.zeros((len(x), 2), np.int64)
    for step, (pixel, _) in enumerate(np.ndindex(len(x), 4)):
        for col in range(2):
            psum = (seen[start + step + hw.array.rows + 2 + col] or 0) >> bits * col & (1 << bits) - 1
            y[pixel, col] += psum - (psum >> bits - 1 << bits)
    np.testing.assert_array_equal(y, np.einsum("prm,rmc->pc", x, w))


def test_wants_hardware() -> None:
    refuses(SystolicArray)
