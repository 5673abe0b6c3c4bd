"""A run whose drawn zeros are only counted costs what it does if they are drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import numpy as np
import pytest

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.model import ModelRun
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.balancing.channel_orders import uneven_classes
from skipbeat_mapper.estimate.run_prices import RunPricer
from skipbeat_models.planned_run import PlannedNode, planned_run
from skipbeat_models.weight_zeros import DrawnZeros, PackedZeros, dense_zeros, weight_zeros


def product(tokens: int, inputs: int, outputs: int, pattern: str, kernel: int = 1, name: str = "layer") -> PlannedNode:
    """A product with drawn zeros."""
    conv = Convolution(batch=1, c_in=inputs, c_out=outputs, height=tokens, width=kernel, kernel=(1, kernel))
    zeros = DrawnZeros((inputs * kernel, outputs), Pattern.parse(pattern), seed=inputs)
    return PlannedNode(name=name, workload=conv, weight=weight_zeros(zeros), source=0)


def run_of(*nodes: PlannedNode) -> ModelRun:
    """The run of these nodes."""
    return planned_run(nodes, tuple(node.name for node in nodes), repeats=1)


@pytest.mark.parametrize("preset", ["edge-8x8", "edge-16x16-m8", "large-32x32"])
@pytest.mark.parametrize("pattern", ["2:4", "1:4", "3:8", "1:2", "5:8"])
@pytest.mark.parametrize("sizes", [(3, 300, 130), (40, 129, 33), (9, 40, 8)])
def test_what_is_counted_costs_what_is_drawn(preset: str, pattern: str, sizes: tuple[int, int, int]) -> None:
    hw, run = load_hardware(preset), run_of(product(*sizes, pattern))
    graph = run.counted(hw.array.group)
    assert (graph is None) == bool(hw.array.group % Pattern.parse(pattern).m)
    found, drawn = RunPricer(hw), RunPricer(hw)
    assert found.as_it_is(run) == drawn.as_it_is(replace(run, counted=lambda _: None))
    assert found.dense(run) == drawn.dense(replace(run, counted=lambda _: None))


def unwanted() -> NoReturn:
    """A graph that nobody may ask for."""
    pytest.fail("drawn")


def test_zeros_are_not_drawn() -> None:
    run = run_of(product(9, 256, 64, "2:4"), replace(product(9, 64, 64, "2:4", name="next"), source=1))
    assert RunPricer(load_hardware("large-32x32")).as_it_is(replace(run, graph=unwanted)).cycles > 0


def test_zeros_are_drawn_where_a_neighbour_is_uneven() -> None:
    hw = load_hardware("edge-16x16")
    uneven = np.random.default_rng(0).random((64, 64)) < 0.3
    last = replace(product(9, 64, 64, "2:4", name="next"), source=1, weight=weight_zeros(PackedZeros.of(uneven)))
    run = run_of(product(9, 256, 64, "2:4"), last)
    graph = run.counted(4)
    assert graph is not None
    assert uneven_classes(graph, Machine.of(hw))
    asked: list[bool] = []

    def drawn() -> Graph:
        asked.append(True)
        return run.graph()

    RunPricer(hw).as_it_is(replace(run, graph=drawn))
    assert asked


def test_what_cannot_be_counted_is_not() -> None:
    linear = product(3, 64, 64, "2:4")
    assert run_of(linear).counted(4) is not None
    assert run_of(linear).counted(2) is None
    assert run_of(product(3, 64, 64, "unstructured:0.5")).counted(4) is None
    assert run_of(product(3, 64, 64, "2:4", kernel=3)).counted(4) is None
    grouped = replace(linear.workload, groups=2)
    zeros = DrawnZeros((2, 32, 32), Pattern.parse("2:4"), 0)
    assert run_of(replace(linear, workload=grouped, weight=weight_zeros(zeros))).counted(4) is None
    joined = PlannedNode(name="joined", workload=linear.workload, weight=None, source=0, parts=(0, 1))
    assert run_of(linear, joined).counted(4) is None
    assert run_of(replace(linear, weight=dense_zeros((64, 64)))).counted(4) is not None
