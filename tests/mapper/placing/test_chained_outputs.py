"""Outputs that stay on the chip: which do, where they lie, and that they are what the next node reads."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind
from skipbeat_arch.graph import Graph, Pool
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.placing.chained_outputs import Geometry, geometry, side_by_side
from skipbeat_mapper.placing.regions import bank_entries
from tests.mapper.networks import Builder
from tests.mapper.program_check import check, check_clocks

EDGE = load_hardware("edge-8x8")


def build(shape: tuple[int, int, int] = (16, 8, 8), seed: int = 0) -> Builder:
    return Builder(shape, np.random.default_rng(seed))


def shape_of(graph: Graph, hw: Hardware, images: int = 1) -> Geometry:
    return geometry(graph, Machine.of(hw), banks_of(graph, hw), images)


def banks_of(graph: Graph, hw: Hardware) -> list[Banks]:
    return [Banks.of(node.convolution.c_in, Machine.of(hw)) for node in graph.nodes]


def targets(program: MachineProgram) -> dict[str, set[tuple[int, int]]]:
    """For each node where its STOREs go: (memory, local)."""
    found: dict[str, set[tuple[int, int]]] = {}
    for node in program.nodes:
        stores = (i for i in program.instructions[node.start : node.stop] if isinstance(i, isa.Store))
        found.setdefault(node.name, set()).update((store.memory, store.local) for store in stores)
    return found


def test_a_tensor_that_only_the_next_step_reads_never_leaves_the_chip() -> None:
    builder = build()
    for _ in range(3):
        builder.convolution(16, (3, 3), padding=(1, 1))
    program = check_clocks(builder.graph(), EDGE, 1)
    assert targets(program) == {"node0": {(0, 1)}, "node1": {(0, 1)}, "node2": {(1, 0)}}
    loads = [i for i in program.instructions if isinstance(i, isa.Load) and i.kind == Kind.ACTIVATIONS]
    first, stop = program.input.address, program.input.address + 2 * 64 * 8
    assert all(first <= load.source < stop for load in loads)


@pytest.mark.parametrize("delay", ["load", "store", "start", "fetch", "store_output"])
def test_a_residual_is_kept_in_memory_too(delay: str) -> None:
    builder = build()
    trunk = builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1), residual=trunk)
    program = check(builder.graph(), EDGE, 2, delay=delay)
    assert targets(program) == {"node0": {(1, 1)}, "node1": {(0, 1)}, "node2": {(1, 0)}}


def test_a_second_reader_loads_from_memory_and_a_later_reader_finds_it_on_the_chip() -> None:
    builder = build()
    trunk = builder.convolution(16, (3, 3), padding=(1, 1))
    main = builder.convolution(24, (3, 3), padding=(1, 1))
    side = builder.convolution(24, (1, 1), source=trunk)
    builder.convolution(24, (3, 3), source=main, padding=(1, 1), residual=side)
    graph = builder.graph()
    outputs = shape_of(graph, EDGE).outputs
    assert [(chain.reader if chain else None) for chain in outputs] == [1, 3, None, None]
    check(graph, EDGE, 3)
    check_clocks(graph, EDGE, 3, images=2)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "pool"),
    [
        ((1, 1), (2, 2), (0, 0), (1, 1), None),
        ((1, 1), (3, 2), (1, 2), (1, 1), None),
        ((2, 2), (2, 2), (0, 0), (1, 1), None),
        ((5, 3), (1, 2), (2, 0), (1, 2), None),
        ((3, 3), (2, 1), (3, 3), (1, 1), Pool(kernel=(2, 2), stride=(2, 2))),
        ((7, 8), (1, 1), (0, 0), (1, 1), None),
    ],
)
@pytest.mark.parametrize("images", [1, 3])
def test_what_a_reader_does_not_need_is_written_beside_it(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    pool: Pool | None,
    images: int,
) -> None:
    builder = build((20, 7, 8))
    builder.convolution(20, (3, 3), padding=(1, 1))
    builder.convolution(10, kernel, stride=stride, padding=padding, dilation=dilation, pool=pool)
    program = check(builder.graph(), EDGE, 4, images=images)
    assert targets(program)["node0"] == {(0, 1)}


def test_chains_lie_at_both_ends_and_loads_between_them() -> None:
    builder = build((16, 10, 10))
    for _ in range(4):
        builder.convolution(16, (3, 3), padding=(1, 1))
    shape, room = shape_of(builder.graph(), EDGE), bank_entries(Machine.of(EDGE))
    chains = [chain for chain in shape.outputs if chain]
    assert len(chains) == 3
    for one, other in itertools.pairwise(chains):
        assert not one.meets(other)
        assert {one.base == 0, other.base == 0} == {True, False}
    for number, (first, stop) in enumerate(shape.gaps):
        assert 0 <= first <= stop <= room
        for chain in chains:
            if chain.lives(number):
                assert chain.base + chain.region.entries <= first or chain.base >= stop


def test_what_does_not_fit_beside_the_input_goes_through_memory() -> None:
    builder = build((16, 20, 20))
    builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1))
    small = load_hardware("edge-8x8", ["activations.buffer_kib=16"])
    program = check(builder.graph(), small, 5)
    assert targets(program) == {"node0": {(1, 0)}, "node1": {(1, 0)}}


def test_as_many_images_as_keep_on_the_chip_what_one_does() -> None:
    builder = build((16, 14, 14))
    builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1))
    graph, hw = builder.graph(), load_hardware("edge-8x8", ["activations.buffer_kib=32"])
    size = side_by_side(graph, Machine.of(hw), banks_of(graph, hw), 12)
    assert 1 < size < 12
    assert shape_of(graph, hw, size).outputs[0] is not None
    assert shape_of(graph, hw, 12).outputs[0] is None


def test_blocks_of_overlapping_steps_take_turns() -> None:
    builder = build((16, 16, 16))
    builder.convolution(8, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1))
    program = check_clocks(builder.graph(), load_hardware("edge-8x8", ["accumulators.depth=64"]), 6)
    names = [node.name for node in program.nodes]
    assert len(names) > len(set(names)), "parts of the nodes alternate"
    assert all(a.stop <= b.start for a, b in itertools.pairwise(program.nodes))
