"""Several images in one program: side by side, in groups, and on every width of the bus."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Pool
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_mapper.compile import compile_network
from tests.mapper.networks import Builder, random_graph
from tests.mapper.program_check import check, check_clocks

#: Orders of events at the limits of what the tokens allow: what is early or late.
ORDERS = [("", ""), ("load", ""), ("", "load"), ("", "store"), ("execute", "store_output")]
#: Machines as unlike as they can be: bus width against vector, array and group.
VARIANTS = {
    "a quarter vector per clock": ("edge-8x8", ["memory.bytes_per_clock=2"]),
    "duplex": ("edge-8x8", ["memory.bytes_per_clock=32"]),
    "wide vectors": ("edge-16x16", ["array.cols=32", "memory.bytes_per_clock=16"]),
    "wide and duplex": ("edge-8x8", ["array.cols=32", "memory.bytes_per_clock=64"]),
    "one lane, long latency": ("tiny-4x4", ["outputs.lanes=1", "memory.latency_clocks=150"]),
    "groups of 8": ("edge-16x16-m8", []),
}


def groups(program: MachineProgram) -> list[int]:
    """How many images are computed at a time, one number for each group."""
    return [place.images for place in program.tensors if place.name == program.input.name]


def variant(name: str) -> Hardware:
    preset, overrides = VARIANTS[name]
    return load_hardware(preset, overrides)


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8", "edge-16x16"])
@pytest.mark.parametrize("seed", range(200, 205))
def test_random_networks_on_several_images(preset: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph, images = random_graph(rng), int(rng.integers(2, 6))
    check(graph, load_hardware(preset), seed, *ORDERS[seed % len(ORDERS)], images=images)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("seed", [300, 301])
def test_random_networks_on_unlike_machines_clock_by_clock(name: str, seed: int) -> None:
    builder = Builder((7, 7, 6), np.random.default_rng(seed))
    builder.convolution(20, (3, 3), padding=(1, 1))
    builder.convolution(12, (3, 3), padding=(1, 1), pool=Pool(kernel=(2, 2), stride=(2, 2)))
    builder.convolution(12, (1, 1), residual="node1")
    builder.convolution(9, (3, 3), raw=True)
    check_clocks(builder.graph(), variant(name), seed, images=1 + seed % 2 * 2)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("pool", [None, Pool(kernel=(2, 2), stride=(2, 2)), Pool(kernel=(3, 2), stride=(1, 2))])
@pytest.mark.parametrize("images", [4, 17])
def test_loops_over_windows_images_and_columns(stride: int, pool: Pool | None, images: int) -> None:
    builder = Builder((16, 9, 10), np.random.default_rng(3))
    builder.convolution(8, (3, 3), padding=(1, 1), stride=(stride, stride), dilation=(1, 2), pool=pool)
    builder.convolution(8, (1, 1), raw=True)
    hw = load_hardware("edge-8x8", ["activations.buffer_kib=512"])
    program = check(builder.graph(), hw, 1, images=images)
    assert groups(program) == [images]


def test_more_images_than_have_room_are_computed_in_groups() -> None:
    builder = Builder((16, 14, 14), np.random.default_rng(4))
    builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1))
    program = check(builder.graph(), load_hardware("edge-8x8", ["activations.buffer_kib=40"]), 1, images=7)
    assert sum(groups(program)) == 7
    assert 1 < len(groups(program)) < 7
    weights = [i for i in program.instructions if isinstance(i, isa.Load) and i.kind == Kind.WEIGHTS]
    sources = [i.source for i in weights]
    assert len(sources) == len(set(sources)), "weights that stay in the buffer are loaded for the first group only"


def test_an_image_beyond_the_batch_is_refused() -> None:
    builder = Builder((4, 3, 3), np.random.default_rng(0))
    builder.convolution(4, (1, 1))
    program = compile_network(builder.graph(), load_hardware("tiny-4x4"), 2)
    with pytest.raises(InputError, match="image 2 is not in its memory"):
        program.write_input(program.memory(), np.zeros((4, 3, 3), np.int8), 2)
