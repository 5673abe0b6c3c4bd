"""The search for mappings: its stages one by one, and what it means for whole networks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch.effort import Effort
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.candidates import Candidate
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.memory_map import memory_map
from skipbeat_mapper.placing.node_mapping import PLAIN, NodeMapping, Order
from skipbeat_mapper.program.lowering import lower
from skipbeat_mapper.rearranging.input_folding import fold_input
from skipbeat_mapper.search.stages import (
    LIMITS,
    MappingSearch,
    drop_equal,
    every_mapping,
    keep_close,
    price_exactly,
    rank_by_bounds,
    search,
    stages,
)
from skipbeat_mapper.search.timed_network import time_network
from skipbeat_sim.timing.machine_timing import columns_timing
from tests.mapper.networks import Builder, random_graph
from tests.mapper.placed import placed

SMALL = load_hardware("edge-8x8")
#: Weights are loaded again, and the bus is narrow.
TIGHT = load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4", "memory.bytes_per_clock=4"])

#: Maps are split, so that nothing stays on the chip.
SPLIT = load_hardware("edge-8x8", ["activations.buffer_kib=4", "weights.buffer_kib=3"])


def tower(nodes: int = 3) -> Graph:
    """Convolutions that are all alike."""
    builder = Builder((24, 12, 12), np.random.default_rng(0))
    for _ in range(nodes):
        builder.convolution(24, (3, 3), padding=(1, 1), density=1.0)
    return builder.graph()


def first_node(hw: Hardware) -> Candidate:
    """The first node of a network with its plain mapping."""
    memory = memory_map(tower(), Machine.of(hw))
    return Candidate(memory, (0,), 0, memory.groups[0].nodes[0])


def plain_cycles(graph: Graph, hw: Hardware, images: int = 1) -> int:
    """Clocks of a network with one mapping for all nodes."""
    machine = Machine.of(hw)
    lowered = lower(memory_map(fold_input(graph, machine)[0], machine, images=images), "network")
    return columns_timing(machine, lowered.columns).cycles


def test_stages_are_in_this_order() -> None:
    names = [getattr(stage, "func", stage) for stage in stages(Effort.NORMAL)]
    assert names == [every_mapping, drop_equal, rank_by_bounds, keep_close, price_exactly]


def test_the_plain_mapping_comes_first_and_all_orders_follow() -> None:
    found = every_mapping([first_node(SPLIT)])
    assert found[0].placed.mapping == PLAIN
    assert {each.order for each in found} == set(Order)
    assert {each.placed.mapping.share for each in found} == {1, 2}


def test_slices_are_not_loaded_for_every_block() -> None:
    builder = Builder((64, 12, 12), np.random.default_rng(0))
    builder.convolution(64, (3, 3), groups=64, density=1.0)
    memory = placed(builder.graph(), Machine.of(load_hardware("edge-16x16")), slices=True)
    found = every_mapping([Candidate(memory, (0,), 0, memory.groups[0].nodes[0])])
    assert {each.order for each in found} == {Order.WEIGHTS, Order.COLUMNS}


def test_no_two_run_alike_after_the_second_stage() -> None:
    every = every_mapping([first_node(TIGHT)])
    found = drop_equal(every)
    assert len({each.signature for each in found}) == len(found) < len(every)


def test_those_kept_are_close_to_the_best() -> None:
    ranked = rank_by_bounds(drop_equal(every_mapping([first_node(TIGHT)])))
    assert [each.rank for each in ranked] == sorted(each.rank for each in ranked)
    kept = keep_close(ranked)
    assert kept == ranked[: len(kept)]
    limits = LIMITS[Effort.NORMAL]
    assert 1 <= len(kept) <= limits.tried
    assert all(each.rank <= limits.close * ranked[0].rank for each in kept)
    assert len(keep_close(ranked, LIMITS[Effort.QUICK])) == 1
    assert len(keep_close(ranked, LIMITS[Effort.BEST])) > len(kept)


def test_the_timing_model_has_the_last_word() -> None:
    found = price_exactly(rank_by_bounds(drop_equal(every_mapping([first_node(TIGHT)])))[:4])
    clocks = [each.exact for each in found if each.exact is not None]
    assert len(clocks) == len(found)
    assert clocks == sorted(clocks)
    assert all(exact >= each.moved for exact, each in zip(clocks, found, strict=True))
    assert all(exact >= each.steps for exact, each in zip(clocks, found, strict=True))


def test_what_cannot_be_quicker_is_not_priced() -> None:
    first, *others = rank_by_bounds(drop_equal(every_mapping([first_node(TIGHT)])))[:3]
    hopeless = dataclasses.replace(others[0])
    object.__setattr__(hopeless, "steps", 10**9)
    assert price_exactly([first, hopeless])[0].exact is not None
    assert len(price_exactly([first, hopeless])) == 1
    assert len(price_exactly([first, *others])) == 3


@pytest.mark.parametrize("seed", range(3))
def test_more_effort_is_never_worse(seed: int) -> None:
    graph, machine = random_graph(np.random.default_rng(seed), side=8, channels=24), Machine.of(TIGHT)
    quick, normal, best = (time_network(graph, machine, effort=effort) for effort in Effort)
    assert best.timing.cycles <= normal.timing.cycles
    assert all(found[0].exact is None and len(found) == 1 for found in quick.found)
    program = compile_network(graph, TIGHT, effort=Effort.QUICK)
    assert program.count == len(quick.lowered.instructions)


def test_more_is_tried_with_more_effort() -> None:
    counts = [len(search(first_node(TIGHT), effort)) for effort in Effort]
    assert counts == sorted(counts)
    assert counts[0] == 1 < counts[-1]


def test_equal_nodes_in_equal_places_are_searched_once() -> None:
    memory = memory_map(tower(6), Machine.of(SPLIT))
    found = MappingSearch().network(memory)
    assert found[1] is found[2] is found[3]


@pytest.mark.parametrize("hw", [SMALL, TIGHT], ids=["small", "tight"])
@pytest.mark.parametrize("seed", range(6))
def test_no_network_is_slower_than_with_one_mapping_for_all(hw: Hardware, seed: int) -> None:
    graph = random_graph(np.random.default_rng(seed))
    timed = time_network(graph, Machine.of(hw))
    assert timed.timing.cycles <= plain_cycles(graph, hw)
    assert sum(timed.node_cycles()) == timed.timing.cycles


def test_a_network_is_quicker_than_with_one_mapping_for_all() -> None:
    assert time_network(tower(), Machine.of(TIGHT)).timing.cycles < plain_cycles(tower(), TIGHT)


def test_images_side_by_side_have_the_same_mappings() -> None:
    timed = time_network(tower(), Machine.of(TIGHT), 3)
    assert timed.timing.cycles <= plain_cycles(tower(), TIGHT, 3)
    assert sum(timed.node_cycles()) == timed.timing.cycles


@pytest.mark.parametrize("order", Order)
def test_a_mapping_that_is_given_is_taken(order: Order) -> None:
    mapping = NodeMapping(order=order, pixels=16, share=1)
    program = compile_network(tower(), TIGHT, mappings=[mapping] * 3)
    memory = memory_map(tower(), Machine.of(TIGHT), [mapping] * 3)
    assert program.count == len(lower(memory, "network").instructions)
