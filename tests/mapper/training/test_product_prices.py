"""Products of a step are priced as the programs that they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.estimate.run_prices import RunPricer
from skipbeat_mapper.training.product_prices import ProductPricer
from skipbeat_models.sources.layers.linear import matmul_layer
from skipbeat_models.sources.nodes.runs import layer_runs
from tests.mapper.training.made_products import product

CONV = Convolution(batch=1, c_in=8, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1))
TINY = load_hardware("tiny-4x4")


@pytest.mark.parametrize("pattern", ["dense", "2:4"])
def test_a_whole_batch_costs_what_its_program_does(pattern: str) -> None:
    pricer, made = ProductPricer(TINY), product(CONV, 8, Pattern.parse(pattern))
    found, exact = pricer.product("conv", made), pricer.program("conv", CONV, made.weight, 8, 8)
    assert found.cycles == pytest.approx(exact.cycles, rel=0.01)
    assert found.macs == exact.macs
    assert found.machine.written_bytes == exact.machine.written_bytes


def test_a_mask_is_read_a_byte_for_each_result() -> None:
    pricer, made = ProductPricer(TINY), product(CONV, 8)
    plain, masked = (pricer.product("conv", each) for each in (made, replace(made, masked=True)))
    assert masked.machine.residual_vectors * TINY.array.cols == 8 * 8 * 4 * 4 > plain.machine.residual_vectors == 0
    assert masked.machine.read_bytes - plain.machine.read_bytes >= 8 * 8 * 4 * 4
    assert masked.cycles > plain.cycles
    assert (masked.macs, masked.machine.written_bytes) == (plain.macs, plain.machine.written_bytes)


@pytest.mark.parametrize("images", [1, 2])
def test_repeats_have_programs_of_their_own(images: int) -> None:
    pricer = ProductPricer(TINY)
    once, often = (pricer.product("conv", product(CONV, images, repeats=repeats)) for repeats in (1, 5))
    assert (often.cycles, often.macs) == (5 * once.cycles, 5 * once.macs)
    assert often.machine.weight_vectors == 5 * once.machine.weight_vectors


def test_products_of_activations_cost_what_estimate_says_of_them() -> None:
    line = Convolution(batch=1, c_in=24, c_out=20, height=1, width=10, kernel=(1, 1))
    made = product(line, 6, repeats=2, operand=True)
    (run,) = layer_runs(matmul_layer("n", p=10, c=24, k=20, repeats=6))
    pricer = ProductPricer(TINY)
    found, own, single = pricer.product("n", made), RunPricer(TINY).as_it_is(run), pricer.product("n", product(line, 1))
    assert found.cycles == 2 * own.cycles
    assert found.macs == 2 * 6 * 10 * 24 * 20
    assert found.machine.weight_vectors == 12 * single.machine.weight_vectors
    assert found.cycles < 12 * single.cycles


def test_a_pattern_saves_its_share_of_the_steps() -> None:
    pricer = ProductPricer(TINY)
    dense, sparse = (pricer.product("conv", product(CONV, 2, Pattern.parse(each))) for each in ("dense", "1:4"))
    assert 2 < dense.cycles / sparse.cycles <= 4
