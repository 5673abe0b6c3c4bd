"""Runs and their prices: equal ones once, dense ones with every weight, and costs that add up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.model import ModelRun
from skipbeat_mapper.estimate.run_prices import RunPricer
from skipbeat_mapper.layer_graph import layer_graph, weight_shape
from skipbeat_mapper.rearranging.placements import Placement
from skipbeat_mapper.search.known_programs import KnownPrograms
from skipbeat_mapper.search.stages import MappingSearch
from skipbeat_mapper.search.timed_network import TimedNetwork, quickest_program, time_network
from tests.mapper.estimate.priced_layers import conv, graph_run
from tests.mapper.networks import Builder, random_graph

HW = load_hardware("edge-8x8")
LAYER = conv(16, 16, 6, 3)


def layer_run(key: object, weight: Int8Array, images: int = 1) -> ModelRun:
    return ModelRun(
        key=key,
        structure=LAYER,
        graph=lambda: layer_graph(LAYER, weight, "layer"),
        names=("layer",),
        layers=("layer",),
        images=images,
    )


def weights(density: float) -> Int8Array:
    return (np.random.default_rng(1).random(weight_shape(LAYER)) < density).astype(np.int8)


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> list[TimedNetwork]:
    """The networks that are really timed."""
    timed: list[TimedNetwork] = []

    def watched(
        found: Sequence[Placement], search: MappingSearch | None, name: str, known: KnownPrograms
    ) -> TimedNetwork:
        timed.append(quickest_program(found, search, name, known))
        return timed[-1]

    monkeypatch.setattr("skipbeat_mapper.estimate.run_prices.quickest_program", watched)
    return timed


def test_equal_runs_are_priced_once(priced: list[TimedNetwork]) -> None:
    pricer = RunPricer(HW)
    first = pricer.as_it_is(layer_run("a", weights(0.3)))
    assert pricer.as_it_is(layer_run("a", weights(0.3))) is first
    assert len(priced) == 1
    assert pricer.as_it_is(layer_run("a", weights(0.3), images=2)).cycles > first.cycles
    assert len(priced) == 2


def test_the_dense_run_of_one_structure_is_priced_once(priced: list[TimedNetwork]) -> None:
    pricer = RunPricer(HW)
    for key, density in (("a", 0.3), ("b", 0.5)):
        assert (
            pricer.as_it_is(layer_run(key, weights(density))).cycles < pricer.dense(layer_run(key, weights(0.3))).cycles
        )
    assert len(priced) == 3
    full = time_network(layer_graph(LAYER, np.ones(weight_shape(LAYER), np.int8), "layer"), Machine.of(HW))
    assert pricer.dense(layer_run("a", weights(0.3))).cycles == full.timing.cycles


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_costs_of_nodes_add_up_to_the_run(seed: int, images: int) -> None:
    graph = random_graph(np.random.default_rng(seed), side=12, channels=40)
    price = RunPricer(HW).as_it_is(dataclasses.replace(graph_run(graph), images=images))
    assert price.cycles == sum(cost.cycles for cost in price.costs)
    assert price.cycles == time_network(graph, Machine.of(HW), images).timing.cycles
    assert price.names == tuple(node.layer.name for node in graph.nodes)
    assert price.shapes == tuple("x".join(str(size) for size in node.out_shape) for node in graph.nodes)
    assert max(stop for _, _, stop in price.phases) <= price.cycles


def test_dense_keeps_all_but_the_weights() -> None:
    builder = Builder((8, 8, 8), np.random.default_rng(4))
    trunk = builder.convolution(8, (3, 3), padding=(1, 1), density=0.1)
    builder.convolution(8, (1, 1), residual=trunk, density=0.1)
    graph = builder.graph()
    price = RunPricer(HW).dense(graph_run(graph))
    assert [cost.macs for cost in price.costs] == [node.convolution.macs for node in graph.nodes]
    assert price.costs[1].machine.residual_vectors > 0


@pytest.mark.parametrize("wrong", [np.ones((16, 9 * 16), np.int8), np.ones((9 * 16, 16), np.int16)])
def test_zeros_that_are_not_the_layer_s_are_refused(wrong: Int8Array) -> None:
    whole = layer_graph(LAYER, weights(1.0), "layer")

    def graph() -> Graph:
        layer = dataclasses.replace(whole.nodes[0].layer)
        object.__setattr__(layer, "weight", wrong)  # its own constructor would refuse it
        return dataclasses.replace(whole, nodes=(dataclasses.replace(whole.nodes[0], layer=layer),))

    with pytest.raises(InputError, match=r"layer layer: expected zeros int8 \[144, 16\], not "):
        RunPricer(HW).as_it_is(dataclasses.replace(layer_run("wrong", weights(1.0)), graph=graph))


def test_hardware_without_a_machine_is_refused() -> None:
    with pytest.raises(InputError):
        RunPricer(load_hardware("tiny-4x4", ["array.cols=5", "weights.decode_lanes=1", "outputs.lanes=1"]))
