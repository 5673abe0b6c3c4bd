"""A network's program with its clocks: whose clocks are whose, and that the quickest of what was tried is taken."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import NodeRange
from skipbeat_mapper.candidates import Candidate
from skipbeat_mapper.memory_map import MemoryMap
from skipbeat_mapper.placing.node_mapping import PLAIN, NodeMapping
from skipbeat_mapper.program.lowering import Lowered, lower
from skipbeat_mapper.rearranging.placements import placements
from skipbeat_mapper.search.known_programs import KnownPrograms
from skipbeat_mapper.search.stages import MappingSearch
from skipbeat_mapper.search.timed_network import part_ends, quickest_program, time_network
from skipbeat_sim.timing.machine_timing import MachineTiming, columns_timing
from tests.mapper.networks import Builder, random_graph

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"]))


def test_a_part_ends_with_its_last_store() -> None:
    stores = np.array([2, 4, 5, 6])
    parts = [
        NodeRange(name="a", start=1, stop=4),
        NodeRange(name="b", start=4, stop=6),
        NodeRange(name="c", start=6, stop=7),
    ]
    assert part_ends(parts, stores, (10, 20, 30, 40), 55) == (10, 30, 55)
    assert part_ends(parts, stores, (10, 20), 25) == (10, 25, 25), "a run that ended early"
    assert part_ends(parts[:1], stores, (10, 20, 30, 40), 55) == (55,)


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_every_clock_belongs_to_one_node(seed: int, images: int) -> None:
    network = time_network(random_graph(np.random.default_rng(seed), side=12, channels=40), MACHINE, images)
    cycles = network.node_cycles()
    assert len(cycles) == len(network.memory.graph.nodes)
    assert sum(cycles) == network.timing.cycles
    assert list(network.ends) == sorted(network.ends)
    assert sum(group.images for group in network.memory.groups) == images


@pytest.mark.parametrize("seed", range(5))
def test_no_placement_that_was_tried_is_quicker(seed: int) -> None:
    graph = random_graph(np.random.default_rng(seed), side=12, channels=40)
    quickest = time_network(graph, MACHINE).timing.cycles
    plain = time_network(graph, MACHINE, mappings=[PLAIN] * len(graph.nodes)).timing.cycles
    tried = []
    for placement in placements(graph, MACHINE):
        lowered = lower(placement.memory, "network")
        tried.append(columns_timing(MACHINE, lowered.columns).cycles)
    assert quickest <= plain == min(tried)


class Wrong(MappingSearch):
    """A search that likes blocks of a few pixels best."""

    def network(self, memory: MemoryMap, known: KnownPrograms | None = None) -> list[list[Candidate]]:
        found = []
        for number, placed in enumerate(memory.groups[0].nodes):
            other = Candidate(memory, (number,), number, placed).with_mapping(NodeMapping(pixels=4))
            assert other is not None
            found.append([other])
        return found


def test_a_search_is_followed_where_it_saves_clocks() -> None:
    builder = Builder((16, 12, 12), np.random.default_rng(4))
    for _ in range(3):
        builder.convolution(16, (3, 3), padding=(1, 1), density=1.0)
    found = placements(builder.graph(), MACHINE)
    plain, searched = quickest_program(found, None), quickest_program(found, Wrong())
    assert searched.timing.cycles == plain.timing.cycles
    assert [placed.mapping for placed in searched.memory.groups[0].nodes] == [PLAIN] * 3
    assert len(searched.found) == 3


class Seen(KnownPrograms):
    """Notes the mapping of the first node of all programs that are made of whole networks."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[NodeMapping] = []

    def timed(self, memory: MemoryMap, name: str, nodes: Sequence[int] | None = None) -> tuple[Lowered, MachineTiming]:
        if nodes is None:
            self.made.append(memory.groups[0].nodes[0].mapping)
        return super().timed(memory, name, nodes)


def test_the_plain_program_of_one_node_is_made_unless_it_must_be_slower() -> None:
    machine = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=4", "weights.buffer_kib=4"]))
    made = []
    for channels in (64, 256):
        builder = Builder((channels, 10, 10), np.random.default_rng(1))
        builder.convolution(96, (1, 1), density=1.0)
        graph, known = builder.graph(), Seen()
        cycles = quickest_program(placements(graph, machine), MappingSearch(), known=known).timing.cycles
        every = {each: time_network(graph, machine, mappings=[each]).timing.cycles for each in {PLAIN, *known.made}}
        assert len(every) == 2
        assert cycles == min(every.values())
        made.append(PLAIN in known.made)
    assert made == [True, False]


def test_given_mappings_are_kept() -> None:
    graph = random_graph(np.random.default_rng(2))
    wanted = [NodeMapping(pixels=16)] * len(graph.nodes)
    network = time_network(graph, MACHINE, mappings=wanted)
    assert [placed.mapping for placed in network.memory.groups[0].nodes] == wanted
    assert network.found == ()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collection_of_garbage_is_as_before(enabled: bool) -> None:
    before = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        time_network(random_graph(np.random.default_rng(0)), MACHINE)
        assert gc.isenabled() == enabled
    finally:
        gc.enable() if before else gc.disable()
