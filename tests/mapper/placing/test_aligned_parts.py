"""Concatenations of parts that do not fill blocks of channels: the same results, in ranges of one tensor."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Pool
from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.placing.aligned_parts import aligned_parts
from tests.mapper.networks import Builder
from tests.mapper.program_check import check, check_clocks
from tests.mapper.reference import run_graph


def dense_block(seed: int, *channels: int) -> Graph:
    """A chain of convolutions of which each reads all before it side by side, and a depthwise one of them all."""
    rng = np.random.default_rng(seed)
    builder = Builder((3, 7, 6), rng)
    whole = builder.convolution(channels[0], (3, 3), padding=(1, 1))
    for more in channels[1:]:
        part = builder.convolution(more, (3, 3), source=whole, padding=(1, 1))
        whole = builder.join(whole, part)
    total = sum(channels)
    scaled = builder.convolution(total, (1, 1), source=whole, groups=total, density=1.0)
    halves = [
        builder.convolution(8, (2, 2), source=each, pool=Pool(kernel=(2, 2), stride=(2, 2))) for each in (scaled, whole)
    ]
    builder.convolution(5, (3, 2), source=builder.join(*halves), raw=True)
    return builder.graph()


@pytest.mark.parametrize(("channels", "seed"), [((5, 3), 0), ((4, 8, 4), 1), ((9, 2, 7), 2)])
def test_aligned_parts_give_the_same_results(channels: tuple[int, ...], seed: int) -> None:
    graph = dense_block(seed, *channels)
    x = np.random.default_rng(seed).integers(-128, 128, (3, 7, 6), np.int8)
    found, expected = run_graph(aligned_parts(graph, 4), x), run_graph(graph, x)
    for node in graph.nodes:
        if node.convolution.groups == 1:
            np.testing.assert_array_equal(found[node.output], expected[node.output])
    if all(count % 4 == 0 for count in channels):
        assert aligned_parts(graph, 4).tensors == graph.tensors


@pytest.mark.parametrize(("preset", "images"), [("tiny-4x4", 1), ("edge-8x8", 3)])
def test_programs_of_concatenations(preset: str, images: int) -> None:
    hardware = load_hardware(preset)
    graph = aligned_parts(dense_block(1, 9, 2, 7), hardware.array.cols)
    check(graph, hardware, 0, images=images)
    check_clocks(graph, hardware, 1, images=images)


def test_what_cannot_have_channels_between_its_own_is_refused() -> None:
    builder = Builder((4, 3, 3), np.random.default_rng(0))
    parts = [builder.convolution(count, (1, 1), source="input") for count in (2, 6)]
    whole = builder.join(*parts)
    builder.convolution(8, (1, 1), source=whole, groups=2)
    with pytest.raises(InputError, match="a grouped convolution cannot read parts"):
        compile_network(builder.graph(), load_hardware("tiny-4x4"))
    builder.nodes.pop()
    builder.tensors.pop()
    builder.convolution(8, (1, 1), source=parts[0], residual=whole)
    with pytest.raises(InputError, match="an addition cannot have parts"):
        compile_network(builder.graph(), load_hardware("tiny-4x4"))
    builder.nodes.pop()
    builder.tensors.pop()
    builder.convolution(8, (1, 1), source=whole, groups=8)
    with pytest.raises(InputError, match="the output cannot have parts"):
        compile_network(builder.graph(), load_hardware("tiny-4x4"))


def test_parts_fit_their_tensor() -> None:
    graph = dense_block(0, 5, 3)
    tensors = [dataclasses.replace(t, parts=tuple((n, 4) for n, _ in t.parts)) for t in graph.tensors]
    with pytest.raises(InputError, match=r"node0 of shape .* does not fit joined\d at channel 4"):
        dataclasses.replace(graph, tensors=tuple(tensors))
