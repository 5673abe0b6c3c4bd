"""A whole model's estimate: sums, bounds, and what a reader is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Bound, Estimate, LayerEstimate
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.model import HostOperator, LayerPart, ModelDescription, ModelLayer, ModelRun, Unpriced, WeightZeros
from skipbeat_arch.registers import Cause
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.estimate import estimate_model
from skipbeat_reports.estimate import figures
from tests.mapper.estimate.priced_layers import (
    conv,
    description_of,
    graph_run,
    layer_of,
    part_of,
    part_run,
    random_zeros,
    resnet18,
    zeros_for,
)
from tests.mapper.networks import Builder

SMALL, LARGE = load_hardware("edge-8x8"), load_hardware("large-32x32")


@pytest.fixture(scope="module")
def pruned() -> Estimate:
    """ResNet-18 at 2:4 with a dense first layer, each layer a program of its own."""
    return estimate_model(resnet18(2), LARGE)


def price(layer: ModelLayer, hw: Hardware = SMALL) -> LayerEstimate:
    """The row of a layer whose parts are programs of their own."""
    (row,) = estimate_model(description_of(layer), hw).layers
    return row


def network() -> ModelDescription:
    """Two convolutions with a residual, and a pooling that is no layer."""
    builder = Builder((16, 10, 10), np.random.default_rng(3))
    first = builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1), residual=first)
    builder.convolution(16, (2, 2), stride=(2, 2), groups=16, density=1.0)
    graph = builder.graph()
    names = ["node0", "node1", None]
    layers = [
        layer_of(node.layer.name, part_of(node.convolution, node.layer.weight != 0))
        for node, name in zip(graph.nodes, names, strict=True)
        if name
    ]
    return ModelDescription(name="net", layers=tuple(layers), runs=(graph_run(graph, names),))


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
        assert layer.speedup <= layer.speedup_limit
        assert layer.speedup <= layer.work_limit + 0.01
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


def test_phases_lie_inside_their_run(pruned: Estimate) -> None:
    assert len(pruned.runs) == len(pruned.layers)
    for run, layer in zip(pruned.runs, pruned.layers, strict=True):
        assert {engine for engine, _, _ in run.phases} == {"load", "execute", "store"}
        assert all(0 <= start < stop <= run.cycles for _, start, stop in run.phases)
        assert len(run.phases) <= 303
        assert run.spans == ((layer.name, 0, layer.cost.cycles),)


def test_rows_of_a_program_add_up_and_pooling_has_one_of_its_own() -> None:
    estimate = estimate_model(network(), SMALL)
    (run,) = estimate.runs
    assert [row.layer for row in estimate.layers] == [True, True, False]
    assert estimate.layers[2].kind == "average pooling"
    assert estimate.layers[2].shape == "16x5x5"
    assert estimate.cycles == run.cycles == sum(row.cost.cycles for row in estimate.layers)
    assert estimate.layer_cycles == estimate.cycles - estimate.layers[2].cost.cycles
    assert [(name, stop - start) for name, start, stop in run.spans] == [
        (row.name, row.cost.cycles) for row in estimate.layers
    ]
    assert estimate.layers[2].macs == estimate.layers[2].macs_dense == 0
    assert estimate.layers[2].speedup_limit == 1
    assert estimate.layers[1].cost.machine.residual_reads > 0


def test_what_lies_where_is_told() -> None:
    first, second, pool = (row.cost.schedule.places for row in estimate_model(network(), SMALL).layers)
    assert any("from memory" in line for line in first)
    assert any("where node1 reads it" in line and "to memory" in line for line in first)
    assert any("where node0 wrote it" in line for line in second)
    assert any(line.startswith("residual: node0") for line in second)
    assert any(line == "output: to memory" for line in pool)


def test_equal_runs_cost_the_same_and_their_zeros_are_read_once() -> None:
    reads = []

    def nonzero() -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        reads.append(1)
        return zeros_for(Gemm(p=5, c=40, k=20), 2)

    part = LayerPart(workload=Gemm(p=5, c=40, k=20), weight=WeightZeros(key="same", nonzero=nonzero))
    estimate = estimate_model(description_of(layer_of("a", part), layer_of("b", part)), SMALL)
    first, second = estimate.layers
    assert len(reads) == 1
    assert first.cost.cycles == second.cost.cycles
    assert first.cycles_dense >= first.cost.cycles


def test_repeats_and_images_multiply() -> None:
    workload = conv(8, 8, 6, 3)
    zeros = zeros_for(workload, 2)
    one = price(layer_of("one", part_of(workload, zeros))).cost
    many = price(layer_of("many", part_of(dataclasses.replace(workload, batch=3), zeros, repeats=2))).cost
    assert many.cycles == 6 * one.cycles
    assert many.events.macs == 6 * one.events.macs
    assert many.machine == one.machine.times(6)
    assert (many.value_bits, many.metadata_bits) == (one.value_bits, one.metadata_bits)
    assert {cause: 6 * clocks for cause, clocks in one.clocks.items()} == many.clocks


def test_parts_of_a_layer_follow_each_other() -> None:
    parts = [part_of(conv(8, 8, size, 1), zeros_for(conv(8, 8, size, 1), 4)) for size in (3, 5)]
    costs = [price(layer_of("part", part)).cost for part in parts]
    both = price(layer_of("both", *parts)).cost
    assert both.cycles == sum(cost.cycles for cost in costs)
    assert any("2 turns" in note for note in both.schedule.notes)


def test_imbalance_is_told() -> None:
    uneven = price(layer_of("uneven", part_of(Gemm(p=9, c=64, k=16), random_zeros((64, 16), 0.3, 1)))).cost
    even = price(layer_of("even", part_of(Gemm(p=9, c=64, k=16), zeros_for(Gemm(p=9, c=64, k=16), 2)))).cost
    assert any("imbalance" in note for note in uneven.schedule.notes)
    assert not even.schedule.notes


def test_products_of_activations_have_no_stored_weights() -> None:
    gemm = Gemm(p=6, c=16, k=12)
    layer = layer_of("scores", part_of(gemm, np.ones((16, 12), np.bool_), repeats=4), stored=False)
    estimate = estimate_model(description_of(layer), SMALL)
    assert estimate.layers[0].cost.value_bits == 0
    assert any("product of two activations" in sentence for sentence in estimate.assumptions)


def test_what_is_on_the_host_is_listed_and_timed_at_a_stated_rate() -> None:
    host = HostOperator(name="softmax", operator="aten.softmax", elements=10, count=2)
    fused = HostOperator(name="relu", operator="aten.relu", elements=10, fused=True)
    layer = layer_of("fc", part_of(Gemm(p=1, c=8, k=8), np.ones((8, 8), np.bool_)))
    description = dataclasses.replace(description_of(layer), host_operators=(host, fused), batch=3)
    estimate = estimate_model(description, SMALL)
    assert estimate.host_operators[0] == ("softmax", "aten.softmax", 10, 2, False)
    assert (estimate.host.elements, estimate.host.bytes, estimate.host_cycles) == (20, 20, None)
    assert figures.balanced_rate(estimate) == 20 / estimate.cycles
    assert estimate.batch == 3
    assert len(estimate.references) == 2
    assert estimate.dram.low_uj < estimate.dram.high_uj
    stated = estimate_model(description, load_hardware("edge-8x8", ["host.elements_per_clock=0.5"]))
    assert stated.cycles == estimate.cycles
    assert stated.host_cycles == estimate.cycles + 40
    assert any("0.5 results per clock" in sentence for sentence in stated.assumptions)


def test_zeros_of_another_shape_are_refused() -> None:
    run = part_run(part_of(Gemm(p=1, c=8, k=8), np.ones((8, 8), np.bool_)), "fc")
    (node,) = run.graph().nodes
    wrong: IntegerLayer = dataclasses.replace(node.layer, weight=np.ones((8, 9), np.int8))
    graph = dataclasses.replace(run.graph(), nodes=(dataclasses.replace(node, layer=wrong),))
    wrong_run = ModelRun(key="wrong", structure="wrong", graph=lambda: graph, names=("fc",), layers=(None,))
    description = dataclasses.replace(network(), runs=(wrong_run,))
    with pytest.raises(InputError, match=r"layer fc: expected zeros int8 \[8, 8\], not int8 \[8, 9\]"):
        estimate_model(description, SMALL)


def test_a_model_without_a_product_is_refused_and_one_that_is_not_priced_is_said() -> None:
    with pytest.raises(InputError, match="model m: nothing in it multiplies"):
        estimate_model(ModelDescription(name="m", layers=()), SMALL)
    product = Unpriced(name="fc", operator="mine.linear", reason="unknown", elements=8, parameters=64, share=1.0)
    assert estimate_model(ModelDescription(name="m", layers=(), unpriced=(product,)), SMALL).unpriced == (product,)


def test_a_window_that_does_not_fit_is_refused_by_name() -> None:
    tiny = load_hardware("edge-8x8", ["activations.buffer_kib=1"])
    layer = layer_of("big", part_of(conv(512, 8, 9, 9), np.ones((81 * 512, 8), np.bool_)))
    with pytest.raises(InputError, match="big"):
        price(layer, tiny)


def test_a_layer_that_addresses_do_not_reach_is_refused_before_its_zeros_are_read() -> None:
    def nonzero() -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        raise AssertionError("read")

    part = LayerPart(workload=Gemm(p=1, c=70_000, k=70_000), weight=WeightZeros(key="large", nonzero=nonzero))
    with pytest.raises(InputError, match=r"layer large: it needs at least .* 32-bit addresses"):
        price(layer_of("large", part))


def test_what_is_multiplied_on_padding_is_no_work_of_the_layer() -> None:
    work = conv(8, 8, 6, 1)
    part = dataclasses.replace(part_of(work, zeros_for(work, 2)), met=30)
    (found,) = estimate_model(description_of(layer_of("up", part)), SMALL).layers
    assert (found.computed, found.macs, found.macs_dense) == (36 * 32, 30 * 32, 30 * 64)
    assert found.work_limit == 2
