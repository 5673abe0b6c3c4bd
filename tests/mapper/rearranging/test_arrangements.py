"""In which ways groups of weights come together: as they are, sorted by rows, and in other orders of channels."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.rearranging.arrangements import arrangements
from skipbeat_mapper.tiles.row_order import NONE
from tests.mapper.networks import Builder

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"]))


def test_arrangements_are_plain_sorted_and_in_other_orders_of_channels() -> None:
    builder = Builder((64, 8, 8), np.random.default_rng(4))
    builder.convolution(64, (1, 1), density=0.2)
    builder.convolution(16, (1, 1), density=0.2)
    graph = builder.graph()
    plain, by_row, balanced = arrangements(graph, MACHINE)
    assert all(tiles.plain for tiles in plain[2])
    assert all((tiles.cells != NONE).all() for tiles in plain[2])
    assert not all(tiles.plain for tiles in by_row[2])
    assert (plain[1], by_row[1]) == ({}, {})
    for name, order in balanced[1].items():
        assert sorted(order.tolist()) == list(range(graph.tensor(name).channels))
    nonzeros = [
        [int((node.layer.weight != 0).sum()) for node in each.nodes] for each, _, _ in (plain, by_row, balanced)
    ]
    assert nonzeros[0] == nonzeros[1] == nonzeros[2]
    packed = [sum(t.statistics.nonzeros for column in tiles.columns for t in column) for tiles in balanced[2]]
    assert packed == nonzeros[2]


def test_dense_weights_have_one_arrangement() -> None:
    builder = Builder((16, 4, 4), np.random.default_rng(4))
    builder.convolution(16, (1, 1), density=1.0)
    assert len(list(arrangements(builder.graph(), MACHINE))) == 1
