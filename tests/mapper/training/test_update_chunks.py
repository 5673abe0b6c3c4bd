"""The gradient of a weight cut into programs: what fits, and what they cost."""

from __future__ import annotations

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.training.product_prices import ProductPricer
from skipbeat_mapper.training.update_chunks import UpdatePricer, best_chunk, chunks, rank
from tests.mapper.training.made_products import update

TINY = load_hardware("tiny-4x4")
MACHINE = Machine.of(TINY)


def test_what_a_chunk_reads_fits_the_banks_twice() -> None:
    conv = Convolution(batch=1, c_in=64, c_out=64, height=56, width=56, kernel=(3, 3), padding=(1, 1))
    machine = Machine.of(load_hardware("train-32x32"))
    found = list(chunks(conv, 256, machine))
    assert all(2 * each.program.height * each.program.width * each.side <= machine.bank_depth for each in found)
    assert all(each.side * 9 <= machine.hw.accumulators.depth for each in found)
    best = min(found, key=lambda each: rank(each, 8, machine))
    steps = conv.macs * 256 / machine.hw.pes
    assert steps < rank(best, 8, machine) < 1.05 * steps


def test_one_chunk_is_priced_as_its_program() -> None:
    conv = Convolution(batch=1, c_in=4, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1))
    products = ProductPricer(TINY)
    cost, cut = UpdatePricer(products).update("conv", update(conv, 16))
    sums = cut.sums
    assert sums == 8 * 4 * 9
    assert cost.macs == 16 * 16 * sums
    assert cost.cycles >= cost.macs // TINY.pes


def test_one_of_two_gradients_takes_half_the_steps() -> None:
    conv = Convolution(batch=1, c_in=8, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1))
    pricer = UpdatePricer(ProductPricer(TINY))
    dense, half = (pricer.update("conv", update(conv, 16, Pattern.parse(each)))[0] for each in ("dense", "1:2"))
    assert 1.6 < dense.cycles / half.cycles <= 2.05
    assert pricer.update("conv", update(conv, 16, repeats=3))[0].cycles == 3 * dense.cycles


def test_rows_that_share_the_last_images_are_ranked_as_they_are_priced() -> None:
    """320 images are a plane of 256 and one of 64, whose four sets of rows take two steps each instead of eight."""
    conv = Convolution(batch=1, c_in=64, c_out=64, height=7, width=7, kernel=(3, 3), padding=(1, 1))
    hardware = load_hardware("train-32x32")
    machine, pricer = Machine.of(hardware), UpdatePricer(ProductPricer(hardware))
    best = best_chunk(conv, 320, Pattern.parse("dense"), machine)
    assert best.side == 5
    cost, _ = pricer.update("conv", update(conv, 320))
    assert cost.cycles < rank(best, 8, machine) < 1.05 * cost.cycles


def test_a_kernel_with_too_many_items_is_cut_by_the_mapper() -> None:
    conv = Convolution(batch=1, c_in=1, c_out=4, height=36, width=35, kernel=(35, 35))
    (chunk,) = chunks(conv, 4, MACHINE)
    assert (chunk.program.kernel, chunk.count, chunk.side) == ((1, 1), 2, 1)
    cost, cut = UpdatePricer(ProductPricer(TINY)).update("conv", update(conv, 4))
    assert (sums := cut.sums) == 2 * 4 * 35 * 35
    assert cost.macs == 4 * sums
