"""A folded input: the same sums from fewer, fuller vectors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution, ReductionOrder
from skipbeat_mapper.memory_map import memory_map
from skipbeat_mapper.placing.lane_choice import Lanes, side_by_side
from skipbeat_mapper.program.lowering import lower
from skipbeat_mapper.rearranging.input_folding import fold_input, fold_to
from skipbeat_mapper.search.timed_network import time_network
from skipbeat_sim.timing.machine_timing import columns_timing
from tests.mapper.networks import Builder
from tests.mapper.placed import graph_of
from tests.mapper.random_nodes import few, node_of, pairs
from tests.mapper.reference import run_graph

MACHINE = Machine.of(load_hardware("edge-16x16"))


@st.composite
def images(draw: st.DrawFn) -> Graph:
    """A convolution of an image of a few channels, its sums raw."""
    kernel, stride, padding, dilation = (draw(pairs(*limits)) for limits in ((1, 7), (1, 4), (0, 3), (1, 3)))
    orders: list[ReductionOrder] = ["kh,kw,cin", "cin,kh,kw"]
    least = [max(1, (kernel[i] - 1) * dilation[i] + 1 - 2 * padding[i]) for i in (0, 1)]
    conv = Convolution(
        batch=1,
        c_in=draw(st.integers(1, 5)),
        c_out=3,
        height=least[0] + draw(st.integers(0, 6)),
        width=least[1] + draw(st.integers(0, 6)),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        order=draw(st.sampled_from(orders)),
    )
    return graph_of(node_of(conv, raw=True))


@few
@given(images())
def test_a_folded_convolution_gives_the_sums_of_the_plain_one(graph: Graph) -> None:
    folded, fold = fold_input(graph, MACHINE)
    if fold is None:
        assert folded is graph
    assume(fold is not None)
    assert fold is not None
    x = np.random.default_rng(0).integers(-128, 128, fold.shape, np.int8)
    expected = run_graph(graph, x)["output"]
    np.testing.assert_array_equal(run_graph(folded, fold.fold(x))["output"], expected)


@few
@given(images(), st.data())
def test_taps_that_overlap_give_the_sums_of_the_plain_ones(graph: Graph, data: st.DataObject) -> None:
    """Whatever the taps, and wherever the weights sit."""
    conv = graph.nodes[0].convolution
    columns, copies = conv.kernel[1], data.draw(st.integers(1, 16 // conv.c_in))
    spacing, taps = data.draw(st.integers(1, copies)), data.draw(st.integers(1, 9))
    first = data.draw(st.integers(1 - copies, 0))
    assume(first + (taps - 1) * spacing + copies >= columns)
    shape = (*conv.kernel, conv.c_in)
    reach = first + np.arange(taps) * spacing
    of_column = [np.flatnonzero((reach <= column) & (column < reach + copies)) for column in range(columns)]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    chosen = np.stack([rng.choice(of_column[column], (shape[0], shape[2])) for column in range(columns)], axis=1)
    lanes = Lanes(copies=copies, depth=conv.c_in, spacing=spacing, first=first, taps=taps, chosen=chosen)
    folded, fold = fold_to(graph, lanes)
    assert folded.tensor("input").shape == fold.folded_shape == (copies * conv.c_in, conv.height, fold.width)
    assert folded.nodes[0].taps == conv.kernel[0] * taps
    x = rng.integers(-128, 128, fold.shape, np.int8)
    np.testing.assert_array_equal(run_graph(folded, fold.fold(x))["output"], run_graph(graph, x)["output"])


@few
@given(images())
def test_an_image_is_folded_if_a_vector_has_room_for_a_second_pixel(graph: Graph) -> None:
    conv = graph.nodes[0].convolution
    depth = 4 if conv.c_in <= 4 else 8  # whole groups of M = 4
    copies = min(16 // depth, conv.kernel[1])
    _, fold = fold_input(graph, MACHINE)
    assert (fold is not None) == (copies > 1)
    if fold is not None:
        line = {(conv.kernel[1], conv.c_in), (conv.kernel[1], 1 << (conv.c_in - 1).bit_length())}
        assert (fold.copies, fold.depth) in {(copies, depth), (16 // conv.c_in, conv.c_in), *line}


def network(kernel: tuple[int, int], stride: int, size: int, density: float = 1.0) -> Graph:
    """A convolution of an image of three channels to 32."""
    builder = Builder((3, size, size), np.random.default_rng(0))
    builder.convolution(32, kernel, stride=(stride, stride), padding=(1, 1), density=density)
    return builder.graph()


@pytest.mark.parametrize(("kernel", "stride"), [((7, 7), 2), ((3, 3), 1), ((3, 6), 1)])
def test_taps_overlap_where_that_takes_fewer_clocks(kernel: tuple[int, int], stride: int) -> None:
    graph = network(kernel, stride, 48)
    _, fold = fold_input(graph, MACHINE)
    assert fold is not None
    assert (fold.copies, fold.depth) == (5, 3), "as many pixels as a vector has room for"
    plain = fold_to(graph, side_by_side((*kernel, 3), min(4, kernel[1]), 4))
    assert time_network(graph, MACHINE).timing.cycles < plain_cycles(plain[0])


def test_an_image_too_small_to_pay_for_tables_is_folded_side_by_side() -> None:
    _, fold = fold_input(network((7, 7), 2, 10), MACHINE)
    assert fold is not None
    assert (fold.copies, fold.depth) == (4, 4)


def test_patches_are_products() -> None:
    builder = Builder((3, 64, 64), np.random.default_rng(0))
    builder.convolution(64, (16, 16), stride=(16, 16), density=1.0)
    graph, machine = builder.graph(), Machine.of(load_hardware("edge-16x16-m8"))
    folded, fold = fold_input(graph, machine)
    assert fold is not None
    assert (folded.nodes[0].convolution.kernel, fold.folded_shape) == ((16, 1), (64, 64, 4))
    plain = fold_to(graph, side_by_side((16, 16, 3), 2, 8))
    assert time_network(graph, machine).timing.cycles < 0.7 * plain_cycles(plain[0], machine)


def plain_cycles(graph: Graph, machine: Machine = MACHINE) -> int:
    """Clocks of a graph as it is."""
    lowered = lower(memory_map(graph, machine), "network")
    return columns_timing(machine, lowered.columns).cycles


def image() -> Builder:
    return Builder((3, 8, 8), np.random.default_rng(0))


def test_what_is_not_one_plain_convolution_stays_as_it_is() -> None:
    grouped, twice, residual, joined = image(), image(), image(), image()
    grouped.convolution(6, (3, 3), groups=3)
    twice.convolution(3, (3, 3), padding=(1, 1))
    twice.convolution(3, (3, 3), source="input", padding=(1, 1))
    residual.convolution(3, (3, 3), padding=(1, 1), residual="input")
    whole = joined.join(joined.convolution(4, (3, 3), padding=(1, 1)), "input")
    joined.convolution(4, (1, 1), source=whole)
    for builder in (grouped, twice, residual, joined):
        graph = builder.graph()
        assert fold_input(graph, MACHINE) == (graph, None)


@pytest.mark.parametrize("channels", [9, 16])
def test_channels_that_leave_no_room_for_a_second_pixel(channels: int) -> None:
    conv = Convolution(batch=1, c_in=channels, c_out=2, height=5, width=5, kernel=(3, 3))
    graph = graph_of(node_of(conv))
    assert fold_input(graph, MACHINE) == (graph, None)


def test_only_the_first_node_and_its_input_change() -> None:
    builder = image()
    builder.convolution(8, (3, 3))
    builder.convolution(8, (3, 3))
    graph = builder.graph()
    folded, _ = fold_input(graph, MACHINE)
    assert folded.nodes[1] is graph.nodes[1]
    assert folded.tensors[1:] == graph.tensors[1:]
    first, before = folded.nodes[0], graph.nodes[0]
    assert dataclasses.replace(first, layer=before.layer).out_shape == before.out_shape == first.out_shape
