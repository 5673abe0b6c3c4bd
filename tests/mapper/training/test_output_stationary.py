"""The formula of an output-stationary array."""

from __future__ import annotations

import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.training.output_stationary import product_clocks, update_clocks
from tests.mapper.training.made_products import product, update

TRAIN = load_hardware("train-32x32")
CONV = Convolution(batch=1, c_in=64, c_out=64, height=56, width=56, kernel=(3, 3), padding=(1, 1))


@pytest.mark.parametrize(("pattern", "share"), [("dense", 1), ("2:8", 4), ("1:2", 2), ("unstructured:0.5", 2)])
def test_full_tiles_take_a_clock_for_as_many_products_as_multipliers(pattern: str, share: int) -> None:
    steps = CONV.macs * 256 // TRAIN.pes // share
    assert product_clocks(product(CONV, 256), Pattern.parse(pattern), TRAIN) == steps
    assert update_clocks(update(CONV, 256), Pattern.parse(pattern), TRAIN) == steps


def test_ragged_tiles_take_whole_passes() -> None:
    conv = Convolution(batch=1, c_in=3, c_out=33, height=1, width=33, kernel=(1, 1))
    assert product_clocks(product(conv, 1, repeats=2), Pattern("dense"), TRAIN) == 2 * 2 * 2 * 1 * 8
    assert product_clocks(product(conv, 3, repeats=2, operand=True), Pattern("dense"), TRAIN) == 3 * 2 * 2 * 2 * 1 * 8
    grouped = Convolution(batch=1, c_in=16, c_out=16, height=1, width=32, kernel=(1, 1), groups=2)
    assert product_clocks(product(grouped, 1), Pattern("dense"), TRAIN) == 2 * 8
