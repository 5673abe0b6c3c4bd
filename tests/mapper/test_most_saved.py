"""What other mappings could save at most, by their bounds: never less than what they do save."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.most_saved import most_saved
from skipbeat_mapper.node_mapping import PLAIN, NodeMapping, Order
from skipbeat_mapper.timed_network import TimedNetwork, time_network
from tests.mapper.networks import Builder

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"]))


def graph() -> Graph:
    builder = Builder((16, 12, 12), np.random.default_rng(4))
    for _ in range(3):
        builder.convolution(16, (3, 3), padding=(1, 1), density=1.0)
    return builder.graph()


def with_mapping(mapping: NodeMapping, images: int = 1) -> TimedNetwork:
    return time_network(graph(), MACHINE, images, mappings=[mapping] * 3)


def test_equal_mappings_save_nothing() -> None:
    plain = with_mapping(PLAIN)
    assert most_saved(plain.node_cycles(), plain.memory, plain.memory) == 0


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("order", Order)
def test_no_less_than_what_is_saved(order: Order, images: int) -> None:
    slow, plain = with_mapping(NodeMapping(order=order, pixels=4), images), with_mapping(PLAIN, images)
    saved = slow.timing.cycles - plain.timing.cycles
    assert 0 < saved <= most_saved(slow.node_cycles(), slow.memory, plain.memory) < slow.timing.cycles
