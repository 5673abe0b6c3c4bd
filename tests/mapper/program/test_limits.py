"""What does not fit is refused: the message names the node and the limit, and what it says is enough."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.engines import Engine
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node, Pool
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.memory_map import memory_map
from skipbeat_mapper.order.places import A_PASS, AN_END
from skipbeat_mapper.program.limits import MAX_OPEN, check, check_units
from skipbeat_mapper.program.schedule import Schedule
from skipbeat_mapper.program.sequencing import schedule_of
from skipbeat_mapper.units.on_chip import memory_sizes
from skipbeat_mapper.units.units import Space
from tests.mapper.listed import listed
from tests.mapper.networks import random_graph
from tests.mapper.placed import graph_of
from tests.mapper.random_hardware import random_hardware
from tests.mapper.random_nodes import few, node_of, nodes, preceded

#: The end of a message about a key of the hardware description.
ENOUGH = re.compile(r"(\w+\.\w+) must be at least (\d+), not (\d+)$")


def schedule(node: Node, *overrides: str, images: int = 1) -> Schedule:
    machine = Machine.of(load_hardware("edge-8x8", overrides))
    return schedule_of(memory_map(graph_of(*preceded(node)), machine, images=images))


def refused(node: Node, *overrides: str) -> str:
    """What is said of a node on some hardware."""
    with pytest.raises(InputError) as found:
        check(schedule(node, *overrides), "network")
    return str(found.value)


def convolution(kernel: tuple[int, int], height: int = 9, width: int = 9, channels: int = 8) -> Convolution:
    return Convolution(batch=1, c_in=channels, c_out=channels, height=height, width=width, kernel=kernel)


def test_the_window_of_a_pixel_larger_than_the_banks() -> None:
    message = refused(node_of(convolution((9, 9), channels=64)), "activations.buffer_kib=1")
    wanted = "node node: it needs 162 entries of activations, 130 more than there are: activations.buffer_kib"
    assert message == f"{wanted} must be at least 6, not 1"
    check(schedule(node_of(convolution((9, 9), channels=64)), "activations.buffer_kib=6"), "network")


def test_a_block_larger_than_the_accumulators() -> None:
    made = schedule(node_of(convolution((1, 1))))
    shallow = Machine.of(load_hardware("edge-8x8", ["accumulators.depth=3"]))
    wanted = dataclasses.replace(made, memory=dataclasses.replace(made.memory, machine=shallow))
    with pytest.raises(
        InputError, match=r"node node: a block has 81 pixels: accumulators\.depth must be at least 81, not 3"
    ):
        check(wanted, "network")


def test_a_pooling_window_larger_than_a_field() -> None:
    both = node_of(convolution((1, 1)), Pool(kernel=(6, 6), stride=(3, 3)))
    assert refused(both) == "node node: STORE: pool is 36, 5 more than the field holds"
    wide = node_of(convolution((1, 1), width=40), Pool(kernel=(1, 32), stride=(1, 4)))
    assert refused(wide) == "node node: STORE: pool is 32, 1 more than the field holds"


def test_weights_in_use_leave_no_room_for_the_next() -> None:
    """Of single pixels the array may be many tiles behind, all of which stay in the buffer."""
    node = node_of(convolution((1, 1), height=1, width=1, channels=400))
    message = refused(node, "weights.buffer_kib=1", "activations.buffer_kib=16")
    assert message.startswith("node node: it needs ")
    found = ENOUGH.search(message)
    assert found is not None
    assert found[1] == "weights.buffer_kib"
    check(schedule(node, f"weights.buffer_kib={found[2]}", "activations.buffer_kib=16"), "network")


def test_too_many_open_tokens() -> None:
    made = schedule(node_of(convolution((3, 3))))
    give, take = (A_PASS, 0, 1 << Engine.STORE), (AN_END, 1 << Engine.EXECUTE, 0)
    for operations in ([give] * MAX_OPEN, [give, take] * 2 * MAX_OPEN, [give, take, *[give] * MAX_OPEN]):
        check(with_operations(made, operations), "network")
        last = [*operations, *[give] * (1 if operations[-1] is give else MAX_OPEN + 1)]
        with pytest.raises(InputError, match=f"network: more than {MAX_OPEN} tokens from EXECUTE to STORE are open"):
            check(with_operations(made, last), "network")


def with_operations(made: Schedule, operations: Sequence[tuple[int, int, int]]) -> Schedule:
    """The same units with other operations: what each is, its waits and its signals."""
    kind, wait, signal = np.array(operations, np.int64).T
    return dataclasses.replace(made, ordered=dataclasses.replace(made.ordered, kind=kind, wait=wait, signal=signal))


@few
@given(nodes(channels=24, larger=2), st.integers(0, 10_000), st.sampled_from([1, 3]))
def test_what_a_message_asks_for_is_enough(node: Node, seed: int, images: int) -> None:
    """Hardware is given what messages ask for until there are none; then it runs."""
    hw = random_hardware(np.random.default_rng(seed))
    graph, asked = graph_of(*preceded(node)), dict[str, int]()
    for _ in range(8):
        try:
            check(schedule_of(memory_map(graph, Machine.of(hw), images=images)), "network")
            return
        except InputError as error:
            found = ENOUGH.search(str(error))
            if found is None:
                raise
        key, least = found[1], int(found[2])
        assert int(found[3]) < least
        assert asked.get(key, 0) < least
        asked[key] = least
        section, name = key.split(".")
        part = getattr(hw, section).model_copy(update={name: least})
        hw = hw.model_copy(update={section: part})
    raise AssertionError(f"{asked} is still not enough")


@pytest.mark.parametrize("seed", range(10))
def test_the_first_unit_that_needs_more_is_named(seed: int) -> None:
    """Which that is, is found here unit by unit."""
    rng = np.random.default_rng(seed)
    machine = Machine.of(random_hardware(rng, odd=True))
    made = schedule_of(memory_map(random_graph(rng, side=8, channels=24), machine))
    sizes, outcomes = memory_sizes(machine, made.memory.vectors), set()
    largest = max(load.writes.stop for unit in listed(made.units) for load in unit.loads)
    for room in (sizes, *({**sizes, space: size} for space in Space for size in (1, largest, 1 << 20))):
        used = ((unit, each) for unit in listed(made.units) for each in (*(e.writes for e in unit.loads), *unit.busy))
        wrong = next((both for both in used if both[1].stop > room[both[1].space]), None)
        if wrong is None:
            check_units(made, room)
        else:
            with pytest.raises(
                InputError, match=f"^node {made.name(wrong[0].node)}: it needs {wrong[1].stop:,} entries"
            ):
                check_units(made, room)
        outcomes.add(wrong is None)
    assert False in outcomes
