"""Networks in memory before they are timed: which there are, and what of them follows the machine."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import budget
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.rearranging.placements import placements
from tests.mapper.networks import Builder, random_graph

EDGE = Machine.of(load_hardware("edge-8x8"))
SLOW = Machine.of(load_hardware("edge-8x8", ["memory.latency_clocks=90"]))


@pytest.mark.parametrize("seed", range(4))
def test_every_placement_holds_the_whole_network(seed: int) -> None:
    graph = random_graph(np.random.default_rng(seed), channels=40)
    for each in placements(graph, EDGE, images=2):
        nodes = each.memory.graph.nodes
        assert [node.layer.name for node in nodes] == [node.layer.name for node in graph.nodes]
        assert sum(map(_nonzeros, nodes)) == sum(map(_nonzeros, graph.nodes))
        assert set(each.orders) <= {tensor.name for tensor in graph.tensors}


def _nonzeros(node: Node) -> int:
    return int(np.count_nonzero(node.layer.weight))


def test_another_latency_moves_nothing() -> None:
    builder = Builder((8, 6, 6), np.random.default_rng(0))
    builder.convolution(20, (3, 3))
    (placement, *_) = placements(builder.graph(), EDGE)
    moved = placement.on(SLOW)
    assert (moved.memory.machine, placement.memory.machine) == (SLOW, EDGE)
    assert moved.memory.groups == placement.memory.groups
    assert (moved.fold, moved.orders, moved.gaps) == (placement.fold, placement.orders, placement.gaps)


def test_passes_are_counted_for_the_layer_that_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder((8, 6, 6), np.random.default_rng(0))
    builder.convolution(20, (3, 3))
    graph = builder.graph()
    asked: list[tuple[str, int]] = []
    check = "skipbeat_mapper.rearranging.placements.check_passes"
    monkeypatch.setattr(check, lambda name, count: asked.append((name, count)))
    placements(graph, EDGE, images=3)
    assert asked == [
        (f"layer {graph.nodes[0].layer.name}", budget.program_passes(graph.nodes[0].convolution, EDGE.hw, 3))
    ]


def test_too_many_passes_are_refused() -> None:
    builder = Builder((8, 6, 6), np.random.default_rng(0))
    builder.convolution(20, (3, 3))
    with pytest.raises(InputError, match="passes"):
        placements(builder.graph(), EDGE, images=1 << 40)
