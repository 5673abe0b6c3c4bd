"""A node with a mapping in its place: what it says of its program is what the program has."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.bounds import memory_clocks, moved_bytes
from skipbeat_mapper.candidates import Candidate
from skipbeat_mapper.memory_map import memory_map
from skipbeat_mapper.placing.node_mapping import NodeMapping, Order
from skipbeat_mapper.program.lowering import Lowered, lower
from skipbeat_sim.timing.machine_timing import columns_timing
from tests.mapper.networks import Builder, random_graph

ROOMY = load_hardware("edge-8x8")
#: Maps in several regions, and weights that do not stay.
TIGHT = load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=3", "accumulators.depth=32"])
MAPPINGS = [
    NodeMapping(order=order, pixels=pixels, share=share)
    for order, pixels, share in itertools.product(Order, (None, 16), (1, 2))
]


def only(seed: int, hw_name: str) -> Candidate:
    """The first node of a random network, alone."""
    graph = random_graph(np.random.default_rng(seed), side=12, channels=40)
    builder = Builder(graph.tensor(graph.input).shape, np.random.default_rng(0))
    builder.nodes.append(dataclasses.replace(graph.nodes[0], residual=None, residual_multiplier=None))
    builder.tensors.append(graph.tensor(graph.nodes[0].output))
    memory = memory_map(builder.graph(), Machine.of(ROOMY if hw_name == "roomy" else TIGHT))
    return Candidate(memory, (0,), 0, memory.groups[0].nodes[0])


def split() -> Candidate:
    """A node of several regions and of several column tiles, whose weights all stay."""
    builder = Builder((16, 16, 16), np.random.default_rng(1))
    builder.convolution(32, (3, 3), padding=(1, 1), density=1.0)
    hw = load_hardware("edge-8x8", ["activations.buffer_kib=4", "accumulators.depth=32"])
    memory = memory_map(builder.graph(), Machine.of(hw))
    return Candidate(memory, (0,), 0, memory.groups[0].nodes[0])


def lowered(candidate: Candidate) -> Lowered:
    """Its program."""
    memory = candidate.memory
    tiles = [candidate.tiles]
    return lower(memory_map(memory.graph, memory.machine, [candidate.placed.mapping], tiles), "network")


def mapped(first: Candidate) -> Iterator[Candidate]:
    for mapping in MAPPINGS:
        found = first.with_mapping(mapping)
        if found is not None:
            assert found.placed.mapping == mapping
            yield found


@pytest.mark.parametrize("hw_name", ["roomy", "tight"])
@pytest.mark.parametrize("seed", range(6))
def test_blocks_passes_and_bytes_are_those_of_the_program(seed: int, hw_name: str) -> None:
    first = only(seed, hw_name)
    _, height, width = first.node.out_shape
    window = first.node.window.kernel
    for each in mapped(first):
        assert sum(each.blocks) == height * width * window[0] * window[1]
        assert max(each.blocks) <= first.machine.hw.accumulators.depth
        program = lowered(each)
        passes = len(program.columns.passes)
        assert passes == each.passes
        assert each.moved <= memory_clocks(each.machine, *moved_bytes(each.machine, program.columns))


def test_what_is_moved_is_nearly_all_that_the_program_moves() -> None:
    """Only offset tables and the order of the last beats are left out; loading regions once too often would show."""
    kept = [each for each in mapped(split()) if len(each.placed.regions) > 1]
    assert {each.order for each in kept} == set(Order)
    for each in kept:
        moved = memory_clocks(each.machine, *moved_bytes(each.machine, lowered(each).columns))
        assert 0.9 * moved <= each.moved <= moved


@pytest.mark.parametrize("seed", [*range(6), None])
def test_candidates_with_one_signature_run_alike(seed: int | None) -> None:
    cycles: dict[object, set[int]] = {}
    for each in mapped(split() if seed is None else only(seed, "tight")):
        program = lowered(each)
        timing = columns_timing(each.machine, program.columns)
        cycles.setdefault(each.signature, set()).add(timing.cycles)
        assert each.least <= timing.cycles
    assert all(len(found) == 1 for found in cycles.values())


def test_a_larger_share_of_the_banks_makes_fewer_regions_or_none() -> None:
    first = only(3, "tight")
    both = {share: first.with_mapping(NodeMapping(share=share)) for share in (1, 2)}
    assert both[1] is not None
    assert both[2] is not None
    assert len(both[1].placed.regions) <= len(both[2].placed.regions)
    start = first.placed.gap[0]
    narrow = dataclasses.replace(first, placed=dataclasses.replace(first.placed, gap=(start, start + 1)))
    assert first.placed.mapping.share == 2
    assert narrow.with_mapping(NodeMapping(share=1)) is None, "no region fits in one entry"


def test_a_price_belongs_to_its_mapping() -> None:
    priced = dataclasses.replace(only(1, "roomy"), exact=123)
    other = priced.with_mapping(NodeMapping(order=Order.ACTIVATIONS))
    assert other is not None
    assert other.exact is None


def test_of_nearly_equal_ones_the_one_that_moves_less_is_liked_better() -> None:
    for seed in range(6):
        for each in mapped(only(seed, "tight")):
            assert each.rank > each.cycles >= max(each.moved, 1)
