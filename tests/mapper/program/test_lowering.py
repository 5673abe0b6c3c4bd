"""A program without its data: its size, its addresses, and the tiles of its passes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine
from skipbeat_mapper.program import limits
from skipbeat_mapper.program.lowering import lower
from skipbeat_mapper.units.network_units import plan
from tests.mapper.listed import listed
from tests.mapper.networks import random_graph
from tests.mapper.placed import placed

MACHINE = Machine.of(load_hardware("tiny-4x4"))


@pytest.mark.parametrize("seed", range(4))
def test_addresses_are_those_of_the_plan_behind_the_instructions(seed: int) -> None:
    memory = placed(random_graph(np.random.default_rng(seed)), MACHINE, images=2)
    lowered, units = lower(memory, "network"), listed(plan(memory))
    burst = MACHINE.burst_beats * MACHINE.vector
    assert lowered.schedule.start % burst == 0
    assert 0 <= lowered.schedule.start - len(lowered.instructions) * INSTRUCTION_BYTES < burst
    assert lowered.schedule.size == lowered.schedule.start + memory.vectors * MACHINE.vector
    stores = [each for each in lowered.instructions if isinstance(each, isa.Store)]
    addresses = [unit.store.address for unit in units if unit.store is not None]
    assert [each.address for each in stores] == [lowered.schedule.start + at * MACHINE.vector for at in addresses]
    for each in lowered.instructions:
        if isinstance(each, isa.Load):
            assert lowered.schedule.start <= each.source
            assert each.source + each.count * MACHINE.vector <= lowered.schedule.size


@pytest.mark.parametrize("seed", range(4))
def test_tiles_are_those_of_the_passes_that_load_one(seed: int) -> None:
    memory = placed(random_graph(np.random.default_rng(seed)), MACHINE)
    lowered = lower(memory, "network")
    passes = [each for each in lowered.instructions if isinstance(each, isa.Pass) and each.command.load]
    assert len(passes) == len(lowered.schedule.tiles)
    for each, tile in zip(passes, lowered.schedule.tiles, strict=True):
        assert (each.words, each.command.beat, each.command.rows) == (tile.word_count, tile.beat, tile.rows)
    names = [node.layer.name for node in memory.graph.nodes]
    assert [part.name for part in lowered.nodes] == [names[number % len(names)] for number in lowered.numbers]
    inside = [at for part in lowered.nodes for at in range(part.start, part.stop)]
    assert inside == sorted(set(inside))
    work = [n for n, each in enumerate(lowered.instructions) if isinstance(each, isa.Pass | isa.Store)]
    assert set(work) <= set(inside)


def test_more_memory_than_addresses_reach_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = placed(random_graph(np.random.default_rng(0)), MACHINE)
    size = lower(memory, "network").schedule.size
    monkeypatch.setattr(limits, "ADDRESS_BITS", size.bit_length() - 1)
    with pytest.raises(InputError, match=f"big: it needs {size} bytes of memory"):
        lower(dataclasses.replace(memory), "big")
