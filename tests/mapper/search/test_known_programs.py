"""What is known of a program holds for the latencies that it says, and for no others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.candidates import Candidate
from skipbeat_mapper.memory_map import MemoryMap, memory_map
from skipbeat_mapper.placing.node_mapping import NodeMapping
from skipbeat_mapper.program.lowering import Lowered, lower
from skipbeat_mapper.program.schedule import Ordered
from skipbeat_mapper.program.sequencing import schedule_of
from skipbeat_mapper.search import known_programs
from skipbeat_mapper.search.known_programs import KnownPrograms
from skipbeat_mapper.search.stages import drop_equal, every_mapping
from tests.mapper.networks import random_graph
from tests.mapper.random_hardware import random_hardware

EDGE = load_hardware("edge-8x8")
#: Of these networks the order has a choice that depends on the latency.
WITH_CHOICES = (7, 12)
#: Any latency that memory may have, and few programs' orders depend on.
LATENCIES = (1, 2, 16, 40, 77, 150, 1000, 100_000)


def at_latency(memory: MemoryMap, clocks: int) -> MemoryMap:
    hw = memory.machine.hw
    hw = hw.model_copy(update={"memory": hw.memory.model_copy(update={"latency_clocks": clocks})})
    return dataclasses.replace(memory, machine=Machine.of(hw))


def network(seed: int, hw: Hardware = EDGE) -> MemoryMap:
    side, channels = (20, 101) if seed in WITH_CHOICES else (6, 12)
    return memory_map(random_graph(np.random.default_rng(seed), side=side, channels=channels), Machine.of(hw))


def ordered(memory: MemoryMap, clocks: int) -> Ordered:
    return schedule_of(at_latency(memory, clocks)).ordered


def equal(first: Ordered, second: Ordered) -> bool:
    arrays = ("kind", "refers", "wait", "signal", "owner", "zeros")
    same = all(np.array_equal(getattr(first, name), getattr(second, name)) for name in arrays)
    return same and (first.parts, first.stuck, first.latencies) == (second.parts, second.stuck, second.latencies)


def within(latencies: range) -> list[int]:
    """Of the latencies that memory may have: the least and the most, and some between."""
    some = {max(latencies[0], LATENCIES[0]), min(latencies[-1], LATENCIES[-1]), *LATENCIES}
    return [clocks for clocks in some if clocks in latencies]


@pytest.mark.parametrize("seed", [*range(8), *WITH_CHOICES])
def test_an_order_is_that_of_all_its_latencies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    memory = network(seed, EDGE if seed in WITH_CHOICES else random_hardware(rng, odd=bool(seed % 2)))
    for clocks in rng.choice(LATENCIES, 2, replace=False).tolist():
        first = ordered(memory, clocks)
        assert clocks in first.latencies
        for other in within(first.latencies):
            assert equal(first, ordered(memory, other))


def test_an_order_that_said_one_latency_more_would_be_wrong() -> None:
    wrong = 0
    for seed in WITH_CHOICES:
        memory = network(seed)
        found = ordered(memory, 1).latencies
        assert len(found) < LATENCIES[-1]
        wrong += not equal(ordered(memory, found[-1]), ordered(memory, found[-1] + 1))
        beyond = ordered(memory, found[-1] + 1).latencies
        assert beyond[0] == found[-1] + 1
    assert wrong == len(WITH_CHOICES)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Latencies of the programs that are really made."""
    latencies: list[int] = []

    def watched(memory: MemoryMap, name: str, nodes: tuple[int, ...] | None = None) -> Lowered:
        latencies.append(memory.machine.hw.memory.latency_clocks)
        return lower(memory, name, nodes)

    monkeypatch.setattr(known_programs, "lower", watched)
    return latencies


def test_programs_are_made_again_where_their_latencies_end(made: list[int]) -> None:
    memory, known = network(WITH_CHOICES[0]), KnownPrograms(10_000)
    last = known.lower(at_latency(memory, 1), "network").latencies[-1]
    for clocks in (last, last + 1, last + 2, 1):
        found, fresh = (each(at_latency(memory, clocks), "network") for each in (known.lower, lower))
        assert [each.to_word() for each in found.instructions] == [each.to_word() for each in fresh.instructions]
        assert found.schedule.memory.machine.hw.memory.latency_clocks == clocks
    assert made == [1, last + 1, 1]
    assert known.operations == len(found.columns)


def test_nothing_is_known_without_room(made: list[int]) -> None:
    memory = network(0)
    for known, times in ((KnownPrograms(), 2), (KnownPrograms(1), 1)):
        made.clear()
        assert [len(known.lower(memory, "network").columns) > 0 for _ in range(2)] == [True] * 2
        assert len(made) == times
    other = known.mapped(memory, [NodeMapping(pixels=4)] * len(memory.groups[0].nodes))
    assert known.lower(other, "network").schedule.memory is other
    assert known.operations == len(known.lower(memory, "network").columns)


def test_what_cannot_be_made_is_refused_each_time() -> None:
    small = load_hardware("edge-8x8", ["activations.buffer_kib=1", "weights.buffer_kib=1", "outputs.buffer_kib=1"])
    memory, known = network(WITH_CHOICES[0], small), KnownPrograms(10_000)
    for _ in range(2):
        with pytest.raises(InputError):
            known.lower(memory, "network")


def test_candidates_and_other_mappings_are_the_same_objects_on_another_machine() -> None:
    memory, known = network(WITH_CHOICES[0]), KnownPrograms(10_000)
    slow = at_latency(memory, 200)
    wanted = [NodeMapping(pixels=4)] * len(memory.groups[0].nodes)
    first, second = (known.mapped(each, wanted) for each in (memory, slow))
    assert first.groups is second.groups
    assert second.machine is slow.machine
    found = []
    for each in (memory, slow):
        plain = Candidate(each, (0,), 0, each.groups[0].nodes[0])
        fresh = drop_equal(every_mapping([plain]))
        found.append(known.candidates(plain, 0, fresh.copy))
    assert [each.placed for each in found[0]] == [each.placed for each in found[1]]
    assert [(each.rank, each.cycles) for each in found[1]] == [(each.rank, each.cycles) for each in fresh]
    late = 2 * (200 - EDGE.memory.latency_clocks)
    assert [b.cycles - a.cycles for a, b in zip(*found, strict=True)] == [late] * len(fresh)
