"""A whole model's estimate: sums, bounds, and what a reader is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Bound, Estimate
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.model import HostOperator, LayerPart, ModelDescription, WeightZeros
from skipbeat_arch.registers import Cause
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.estimate import LayerPricer, estimate_model, price_layer
from tests.mapper.estimate.priced_layers import conv, layer_of, part_of, random_zeros, resnet18, zeros_for

SMALL, LARGE = load_hardware("edge-8x8"), load_hardware("large-32x32")


@pytest.fixture(scope="module")
def pruned() -> Estimate:
    """ResNet-18 at 2:4 with a dense first layer."""
    return estimate_model(resnet18(2), LARGE)


def test_resnet18_takes_as_many_cycles_as_it_may(pruned: Estimate) -> None:
    assert pruned.cycles_dense <= 2_000_000
    assert pruned.cycles <= 1_050_000
    assert pruned.cycles_dense >= pruned.macs_dense / LARGE.pes
    assert pruned.utilization <= 1


def test_no_layer_is_quicker_than_its_bounds(pruned: Estimate) -> None:
    for layer in pruned.layers:
        cost = layer.cost
        assert cost.cycles >= max(cost.schedule.bounds.values())
        moved = cost.machine.read_bytes + cost.machine.written_bytes
        assert cost.cycles >= moved / LARGE.memory.bytes_per_clock
        assert cost.schedule.bounds[cost.bound] == max(cost.schedule.bounds.values())
        assert sum(cost.clocks.values()) == cost.cycles
        assert cost.clocks[Cause.COMPUTE] == cost.schedule.bounds[Bound.COMPUTE]
        assert layer.speedup <= layer.speedup_limit + 0.01
        assert cost.macs == round(layer.density * layer.macs_dense) or layer is pruned.layers[0]


def test_memory_bound_layers_keep_a_narrow_memory_busy() -> None:
    narrow = load_hardware("large-32x32", ["memory.bytes_per_clock=8"])
    estimate = estimate_model(resnet18(2), narrow)
    found = 0
    for layer in estimate.layers:
        bounds = layer.cost.schedule.bounds
        if bounds[Bound.MEMORY] > 2 * bounds[Bound.COMPUTE]:
            found += 1
            assert layer.cost.cycles <= 1.05 * bounds[Bound.MEMORY], layer.name
    assert found > 5


def test_phases_lie_inside_their_layer(pruned: Estimate) -> None:
    for layer in pruned.layers:
        engines = {engine for engine, _, _ in layer.cost.phases}
        assert engines == {"load", "execute", "store"}
        assert all(0 <= start < stop <= layer.cost.cycles for _, start, stop in layer.cost.phases)
        assert len(layer.cost.phases) <= 303


def test_equal_layers_cost_the_same_and_their_zeros_are_read_once() -> None:
    reads = []

    def nonzero() -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        reads.append(1)
        return zeros_for(Gemm(p=5, c=40, k=20), 2)

    part = LayerPart(workload=Gemm(p=5, c=40, k=20), weight=WeightZeros(key="same", nonzero=nonzero))
    pricer = LayerPricer(SMALL)
    first, second = (pricer.price(layer_of(name, part)) for name in ("a", "b"))
    assert len(reads) == 1
    assert first.cost.cycles == second.cost.cycles
    assert first.dense.cycles >= first.cost.cycles


def test_repeats_and_images_multiply() -> None:
    workload = conv(8, 8, 6, 3)
    zeros = zeros_for(workload, 2)
    one = price_layer(layer_of("one", part_of(workload, zeros)), SMALL)
    many = price_layer(layer_of("many", part_of(dataclasses.replace(workload, batch=3), zeros, repeats=2)), SMALL)
    assert many.cycles == 6 * one.cycles
    assert many.events.macs == 6 * one.events.macs
    assert many.machine == one.machine.times(6)
    assert (many.value_bits, many.metadata_bits) == (one.value_bits, one.metadata_bits)
    assert {cause: 6 * clocks for cause, clocks in one.clocks.items()} == many.clocks


def test_parts_of_a_layer_follow_each_other() -> None:
    parts = [part_of(conv(8, 8, size, 1), zeros_for(conv(8, 8, size, 1), 4)) for size in (3, 5)]
    costs = [price_layer(layer_of("part", part), SMALL) for part in parts]
    both = price_layer(layer_of("both", *parts), SMALL)
    assert both.cycles == sum(cost.cycles for cost in costs)
    assert max(stop for _, _, stop in both.phases) <= both.cycles
    assert any("2 parts" in note for note in both.schedule.notes)


def test_imbalance_is_told() -> None:
    uneven = price_layer(layer_of("uneven", part_of(Gemm(p=9, c=64, k=16), random_zeros((64, 16), 0.3, 1))), SMALL)
    even = price_layer(layer_of("even", part_of(Gemm(p=9, c=64, k=16), zeros_for(Gemm(p=9, c=64, k=16), 2))), SMALL)
    assert any("imbalance" in note for note in uneven.schedule.notes)
    assert not even.schedule.notes


def test_products_of_activations_have_no_stored_weights() -> None:
    gemm = Gemm(p=6, c=16, k=12)
    layer = layer_of("scores", part_of(gemm, np.ones((16, 12), np.bool_), repeats=4), stored=False)
    estimate = estimate_model(ModelDescription(name="attention", layers=(layer,)), SMALL)
    assert estimate.layers[0].cost.value_bits == 0
    assert any("product of two activations" in sentence for sentence in estimate.assumptions)


def test_what_is_on_the_host_is_listed() -> None:
    host = HostOperator(name="softmax", operator="aten.softmax", elements=10, count=2)
    layer = layer_of("fc", part_of(Gemm(p=1, c=8, k=8), np.ones((8, 8), np.bool_)))
    estimate = estimate_model(ModelDescription(name="m", layers=(layer,), host_operators=(host,), batch=3), SMALL)
    assert estimate.host_operators == (("softmax", "aten.softmax", 10, 2, False),)
    assert estimate.batch == 3
    assert len(estimate.references) == 2
    assert estimate.dram.low_uj < estimate.dram.high_uj


def test_zeros_of_another_shape_are_refused() -> None:
    layer = layer_of("fc", part_of(Gemm(p=1, c=8, k=8), np.ones((8, 9), np.bool_)))
    with pytest.raises(InputError, match=r"layer fc: expected zeros bool \[8, 8\], not bool \[8, 9\]"):
        price_layer(layer, SMALL)


def test_a_window_that_does_not_fit_is_refused_by_name() -> None:
    tiny = load_hardware("edge-8x8", ["activations.buffer_kib=1"])
    layer = layer_of("big", part_of(conv(512, 8, 9, 9), np.ones((81 * 512, 8), np.bool_)))
    with pytest.raises(InputError, match="big"):
        price_layer(layer, tiny)
