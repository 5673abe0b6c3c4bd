"""Programs of the whole machine: what they compute, in any order that the tokens leave open."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Pool
from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.compile import compile_network
from tests.mapper.networks import Builder, random_graph
from tests.mapper.program_check import check

PRESETS = ["tiny-4x4", "edge-8x8", "edge-16x16", "edge-16x16-m8"]
#: Buffers so small that everything must be split and loaded again: KiB of activations and of weights.
SMALL = {"tiny-4x4": (8, 2), "edge-8x8": (10, 6), "edge-16x16": (12, 12), "edge-16x16-m8": (24, 24)}
#: Orders of events at the limits of what the tokens allow: what is early or late.
ORDERS = [("", ""), ("load", ""), ("", "load"), ("", "store"), ("fetch", "start"), ("execute", "store_write")]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("seed", range(6))
def test_random_networks(preset: str, seed: int) -> None:
    check(random_graph(np.random.default_rng(seed)), load_hardware(preset), seed, *ORDERS[seed % len(ORDERS)])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("seed", range(100, 106))
def test_random_networks_with_small_buffers(preset: str, seed: int) -> None:
    activations, weights = SMALL[preset]
    small = [f"activations.buffer_kib={activations}", f"weights.buffer_kib={weights}"]
    hw = load_hardware(preset, [*small, "outputs.buffer_kib=1", "accumulators.depth=24"])
    check(random_graph(np.random.default_rng(seed)), hw, seed, *ORDERS[seed % len(ORDERS)])


def build(shape: tuple[int, int, int], seed: int = 0) -> Builder:
    return Builder(shape, np.random.default_rng(seed))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    ("channels", "outputs", "kernel", "stride", "padding", "dilation", "groups"),
    [
        (1, 5, (1, 1), (1, 1), (0, 0), (1, 1), 1),
        (100, 3, (1, 1), (2, 2), (0, 0), (1, 1), 1),
        (17, 33, (3, 3), (1, 1), (1, 1), (1, 1), 1),
        (3, 20, (5, 5), (2, 2), (2, 2), (1, 1), 1),
        (3, 8, (3, 3), (1, 1), (2, 2), (2, 2), 1),
        (24, 24, (3, 3), (1, 1), (1, 1), (1, 1), 24),
        (40, 20, (3, 3), (2, 1), (1, 1), (1, 1), 4),
        (70, 16, (1, 5), (3, 1), (0, 2), (1, 1), 1),
        (5, 5, (2, 2), (1, 1), (3, 3), (1, 1), 1),
    ],
)
def test_shapes(
    preset: str,
    channels: int,
    outputs: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> None:
    builder = build((channels, 9, 11))
    builder.convolution(outputs, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    check(builder.graph(), load_hardware(preset), 1)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("delay", ["load", "store", "start", "fetch"])
def test_residual_blocks(preset: str, delay: str) -> None:
    builder = build((16, 10, 10))
    trunk = builder.convolution(24, (3, 3), stride=(2, 2), padding=(1, 1))
    builder.convolution(24, (3, 3), padding=(1, 1))
    builder.convolution(24, (3, 3), padding=(1, 1), residual=trunk)
    builder.convolution(40, (3, 3), stride=(2, 2), padding=(1, 1))
    side = builder.convolution(40, (1, 1), source="node2", stride=(2, 2))
    builder.convolution(40, (3, 3), source="node3", padding=(1, 1), residual=side)
    builder.convolution(40, (3, 3), groups=40)
    builder.convolution(10, (1, 1), raw=True)
    check(builder.graph(), load_hardware(preset), 3, delay=delay)


@pytest.mark.parametrize("pool", [Pool(kernel=(2, 2), stride=(2, 2)), Pool(kernel=(3, 3), stride=(2, 2))])
def test_pooling_across_blocks(pool: Pool) -> None:
    builder = build((8, 23, 21))
    builder.convolution(24, (3, 3), padding=(1, 1), pool=pool)
    check(builder.graph(), load_hardware("edge-8x8", ["accumulators.depth=64"]), 2)


def test_a_map_wider_than_every_buffer() -> None:
    builder = build((20, 6, 200))
    builder.convolution(20, (3, 3), padding=(1, 1), pool=Pool(kernel=(2, 2), stride=(2, 2)))
    hw = load_hardware("edge-8x8", ["activations.buffer_kib=4", "accumulators.depth=40", "outputs.buffer_kib=1"])
    check(builder.graph(), hw, 2)


def test_weights_that_pass_through_the_buffer_for_single_pixels() -> None:
    builder = build((300, 1, 1))
    builder.convolution(200, (1, 1), density=1.0)
    builder.convolution(150, (1, 1), raw=True)
    hw = load_hardware("edge-16x16", ["weights.buffer_kib=32"])
    for delay in ("load", "start", "store"):
        check(builder.graph(), hw, 5, delay=delay)


def test_empty_weights_need_null_passes() -> None:
    builder = build((16, 4, 4))
    builder.convolution(40, (3, 3), padding=(1, 1), density=0.0)
    check(builder.graph(), load_hardware("edge-8x8"), 2)


def test_the_end_waits_for_loads_that_no_weight_needed() -> None:
    builder = build((16, 8, 8))
    builder.convolution(8, (3, 3))
    builder.nodes[0].layer.weight[:] = 0
    check(builder.graph(), load_hardware("edge-8x8"), 2, delay="load")


def test_more_output_blocks_than_parameters_have_room_for() -> None:
    builder = build((4, 3, 3))
    builder.convolution(300, (1, 1))
    check(builder.graph(), load_hardware("tiny-4x4"), 2)


def test_what_does_not_fit_is_refused_by_name() -> None:
    builder = build((64, 9, 9))
    builder.convolution(8, (9, 9))
    with pytest.raises(InputError, match=r"node node0: .*activations\.buffer_kib"):
        compile_network(builder.graph(), load_hardware("edge-8x8", ["activations.buffer_kib=2"]))


def test_instructions_of_a_step_are_those_that_store_its_output() -> None:
    builder = build((16, 8, 8))
    builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1))
    program = compile_network(builder.graph(), load_hardware("edge-8x8"))
    assert [s.name for s in program.nodes] == ["node0", "node1"]
    assert program.nodes[0].stop <= program.nodes[1].start
    stores = [
        [i for i in program.instructions[node.start : node.stop] if isinstance(i, isa.Store)] for node in program.nodes
    ]
    assert [{(i.memory, i.local) for i in part} for part in stores] == [{(0, 1)}, {(1, 0)}]
    assert [place.name for place in program.tensors] == ["input", "node1"]
    assert min(i.address for i in stores[1]) == program.output.address
