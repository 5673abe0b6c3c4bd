"""What is left out of a program changes nothing: the program that is cut short costs what the whole one does."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.engines import Opcode
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.bounds import lower_bounds, moved_bytes
from skipbeat_mapper.estimate.events import machine_events
from skipbeat_mapper.estimate.phases import phases
from skipbeat_mapper.estimate.walks import engine_walks
from skipbeat_mapper.memory_map import MemoryMap, memory_map
from skipbeat_mapper.placing.node_mapping import PLAIN, NodeMapping, Order
from skipbeat_mapper.program.lowering import Lowered, lower, lower_short
from skipbeat_mapper.units.network_units import plan_short
from skipbeat_sim.timing.columns import Cut, NotAlikeError
from skipbeat_sim.timing.machine_timing import MachineTiming, columns_timing
from tests.mapper.placed import graph_of
from tests.mapper.random_nodes import node_of

MACHINE = Machine.of(load_hardware("edge-8x8", ["weights.buffer_kib=16", "activations.buffer_kib=16"]))
SEEDS = 12


def linear(
    inputs: int, outputs: int, tokens: int, mapping: NodeMapping = PLAIN, machine: Machine = MACHINE
) -> MemoryMap:
    """A linear layer in its places; all of its tiles are alike."""
    conv = Convolution(batch=1, c_in=inputs, c_out=outputs, height=1, width=tokens, kernel=(1, 1))
    return memory_map(graph_of(node_of(conv)), machine, [mapping])


def cost(machine: Machine, program: Lowered, timing: MachineTiming) -> tuple[object, ...]:
    """All that is told of a program of one node."""
    columns, schedule = program.columns, program.schedule
    return (
        (timing.cycles, timing.clocks, timing.bytes_read, timing.bytes_written, timing.events),
        phases(columns, timing.begin, timing.finish, timing.cycles, timing.repeats),
        (engine_walks(schedule), lower_bounds(machine, columns), moved_bytes(machine, columns)),
        (machine_events(machine, columns, 0, 0), columns.total, schedule.size),
    )


def costs_alike(memory: MemoryMap) -> tuple[int, int] | None:
    """How many operations are left of how many; None for a program that may not be cut short."""
    machine, whole, short = memory.machine, lower(memory, "layer"), lower_short(memory, "layer")
    try:
        timing = columns_timing(machine, short.columns)
    except NotAlikeError:
        return None
    assert cost(machine, short, timing) == cost(machine, whole, columns_timing(machine, whole.columns))
    return (len(short.columns), len(whole.columns)) if short.columns.cuts else None


def test_column_tiles_are_left_out() -> None:
    found = costs_alike(linear(512, 1600, 24))
    assert found is not None
    assert 2 * found[0] < found[1]


def test_regions_are_left_out_and_their_column_tiles() -> None:
    memory = linear(512, 960, 400)
    _, cuts = plan_short(memory)
    found = costs_alike(memory)
    assert found is not None
    assert 5 * found[0] < found[1]
    outer = max(cuts, key=lambda each: each.stops[0] - each.starts[0])
    assert sum(outer.starts[0] < each.starts[0] < each.stops[-1] < outer.stops[0] for each in cuts) > 1


def test_layers_cost_the_same_whatever_is_left_out() -> None:
    left_out = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        settings = {
            "weights.buffer_kib": rng.choice([4, 8, 16]),
            "activations.buffer_kib": rng.choice([4, 16]),
            "memory.latency_clocks": rng.choice([1, 40, 200]),
            "memory.bytes_per_clock": rng.choice([4, 8, 16]),
            "memory.outstanding": rng.choice([1, 2, 8]),
            "accumulators.depth": rng.choice([16, 64, 1024]),
        }
        machine = Machine.of(load_hardware("edge-8x8", [f"{key}={value}" for key, value in settings.items()]))
        mapping = NodeMapping(order=[Order.WEIGHTS, Order.ACTIVATIONS][seed % 2], share=int(rng.choice([1, 2])))
        sizes = 32 * int(rng.integers(8, 14)), 8 * int(rng.integers(60, 110)), int(rng.integers(1, 60))
        left_out += costs_alike(linear(*sizes, mapping, machine)) is not None
    assert left_out >= SEEDS // 3


def test_whatever_is_said_to_come_again_is_refused_or_takes_as_long_as_if_it_did() -> None:
    """Instructions between any two STOREs of a whole program, against the program in which they really come again."""
    program = lower(linear(512, 640, 24), "layer").columns
    stores, rng, taken = program.at(Opcode.STORE).tolist(), np.random.default_rng(1), 0
    for _ in range(60):
        first, size = int(rng.integers(8, 60)), 8 * int(rng.integers(1, 3))
        start, stop = stores[first], stores[min(first + size, len(stores) - 1)]
        try:
            timing = columns_timing(MACHINE, program.cut_short([Cut(((start, stop),), 2)]))
        except NotAlikeError:
            continue
        again = np.concatenate([np.arange(stop), *[np.arange(start, stop)] * 2, np.arange(stop, len(program))])
        whole = columns_timing(MACHINE, program.some(again))
        assert (timing.cycles, timing.clocks, timing.events) == (whole.cycles, whole.clocks, whole.events)
        assert (timing.bytes_read, timing.bytes_written) == (whole.bytes_read, whole.bytes_written)
        taken += 1
    assert 5 <= taken < 60
