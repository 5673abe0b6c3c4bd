"""The order of a node's visits: every block in every column tile once, in the order that the mapping names."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import assume, given

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.placing.node_mapping import NodeMapping, Order
from skipbeat_mapper.placing.regions import blocks
from tests.mapper.listed import visited
from tests.mapper.placed import graph_of, placed
from tests.mapper.random_nodes import few, nodes

MACHINE = Machine.of(load_hardware("tiny-4x4", ["activations.buffer_kib=1", "accumulators.depth=16"]))


@pytest.mark.parametrize("order", Order)
@few
@given(nodes())
def test_every_block_and_column_tile_once_in_their_order(order: Order, node: Node) -> None:
    try:
        memory = placed(graph_of(node), MACHINE)
    except InputError:
        assume(False)
    group, plain = memory.groups[0], memory.groups[0].nodes[0]
    mapped = dataclasses.replace(plain, mapping=NodeMapping(order=order, pixels=8))
    memory = dataclasses.replace(memory, groups=(dataclasses.replace(group, nodes=(mapped,)),))
    found = list(visited(memory))
    numbers = {id(region): number for number, region in enumerate(plain.regions)}
    block_numbers = {
        (id(region), block): number
        for region in plain.regions
        for number, block in enumerate(blocks(region, node, MACHINE, 8))
    }
    loops = [
        {
            "region": numbers[id(visit.region)],
            "column tile": visit.column,
            "block": block_numbers[id(visit.region), (visit.rows, visit.columns)],
        }
        for visit in found
    ]
    keys = [tuple(each[name] for name in order.split(", ")) for each in loops]
    assert keys == sorted(set(keys))
    pixels = [
        (visit.column, row, column)
        for visit in found
        for row, column in itertools.product(range(*visit.rows), range(*visit.columns))
    ]
    channels, height, width = node.out_shape
    assert sorted(pixels) == list(itertools.product(range(-(-channels // 4)), range(height), range(width)))
