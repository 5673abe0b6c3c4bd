"""Regions and blocks cut a map without a gap, and a region holds exactly what its outputs need."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.graph import Node, Pool
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.placing.node_mapping import NodeMapping, Order
from skipbeat_mapper.placing.regions import (
    MAX_ITEMS,
    NARROW,
    Region,
    bank_entries,
    block_limit,
    blocks,
    blocks_apart,
    fits,
    make_region,
    one_row,
    regions,
    split,
)
from tests.mapper.random_nodes import few, in_map, needed_pixels, node_of, nodes

#: Banks of 32 entries: few maps fit as a whole.
SMALL = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=1", "accumulators.depth=32"]))
ROOMY = Machine.of(load_hardware("edge-8x8"))
IMAGES, PLANES = st.integers(1, 3), st.integers(1, 2)


def outputs(region: Region) -> list[tuple[int, int]]:
    """Output pixels of a region, row by row."""
    return list(itertools.product(range(*region.rows), range(*region.columns)))


def stored(region: Region, node: Node) -> list[set[tuple[int, int, int]]]:
    """What each entry of a plane stands for: pixels (padded row, padded column, image); only zeros share an entry."""
    found: list[set[tuple[int, int, int]]] = [set() for _ in range(region.plane)]
    columns = (region.lead + region.real + region.tail) // region.images
    for line, column, image in itertools.product(range(region.lines), range(columns), range(region.images)):
        pixel = region.top + line * region.line_step, region.left + column, image
        found[line * region.pitch + column * region.images + image].add(pixel)
    return found


def check_entries(region: Region, node: Node) -> None:
    """An entry is one pixel of the map or zeros; pixels of the map lie where `lead` and `real` say."""
    first, last = region.real_lines(node.convolution)
    for entry, pixels in enumerate(stored(region, node)):
        line, at = divmod(entry, region.pitch)
        real = first <= line < last and region.lead <= at < region.lead + region.real
        assert [in_map(node, row, column) for row, column, _ in pixels] == [real] * len(pixels)
        assert len(pixels) == 1 if real else True


@few
@given(nodes(), IMAGES, PLANES, st.sampled_from([1, 2]), st.sampled_from(Order))
def test_every_output_is_in_one_region_that_fits(
    node: Node, images: int, planes: int, share: int, order: Order
) -> None:
    found = regions(node, SMALL, planes, images, mapping=NodeMapping(share=share, order=order))
    if not all(fits(region, bank_entries(SMALL)) for region in found):
        assert found == [make_region(node, (0, 1), (0, 1), planes, images)]
        return
    pixels = [pixel for region in found for pixel in outputs(region)]
    assert sorted(pixels) == list(itertools.product(range(node.out_shape[1]), range(node.out_shape[2])))
    assert all(region.entries == planes * region.plane for region in found)


@few
@given(nodes(), IMAGES, PLANES)
def test_a_region_holds_what_its_outputs_need(node: Node, images: int, planes: int) -> None:
    for region in regions(node, SMALL, planes, images):
        needed = {pixel for output in outputs(region) for pixel in needed_pixels(node, *output)}
        entries = stored(region, node)
        held = {(row, column) for pixels in entries for row, column, _ in pixels}
        assert needed <= held
        rows, columns = ({pixel[axis] for pixel in needed} for axis in (0, 1))
        assert (min(rows), max(rows)) == (region.top, region.top + (region.lines - 1) * region.line_step)
        assert {column for _, column in held} == set(range(min(columns), max(columns) + 1))
        if region.line_step > 1:
            assert {row for row, _ in held} == rows
        check_entries(region, node)


@few
@given(nodes(), IMAGES)
def test_a_whole_map_has_every_pixel(node: Node, images: int) -> None:
    conv, (_, height, width) = node.convolution, node.out_shape
    region = make_region(node, (0, height), (0, width), 1, images, whole_map=True)
    held = {pixel for pixels in stored(region, node) for pixel in pixels if in_map(node, *pixel[:2])}
    assert len(held) == conv.height * conv.width * images
    check_entries(region, node)


@pytest.mark.parametrize("order", Order)
def test_blocks_of_a_line_that_run_through_all_column_tiles_are_regions(order: Order) -> None:
    """Of 50 tokens in blocks of 16; the whole line would fit."""
    line = node_of(Convolution(batch=1, c_in=8, c_out=8, height=1, width=50, kernel=(1, 1)))
    mapping = NodeMapping(order=order, pixels=16)
    found = regions(line, ROOMY, 1, mapping=mapping)
    spans = [(12 * i + i // 2, 12 * (i + 1) + (i + 1) // 2) for i in range(4)]
    assert [each.columns for each in found] == (spans if order == Order.ACTIVATIONS else [(0, 50)])
    cut = [span for each in found for _, span in blocks(each, line, ROOMY, 16)]
    assert cut == spans  # the blocks are the same
    assert blocks_apart(line, mapping) == (order == Order.ACTIVATIONS)


@pytest.mark.parametrize(
    "conv",
    [
        Convolution(batch=1, c_in=8, c_out=8, height=1, width=50, kernel=(1, 3)),
        Convolution(batch=1, c_in=8, c_out=8, height=2, width=25, kernel=(1, 1)),
    ],
)
def test_blocks_that_share_pixels_or_lines_are_no_regions(conv: Convolution) -> None:
    mapping = NodeMapping(order=Order.ACTIVATIONS, pixels=16)
    assert not blocks_apart(node_of(conv), mapping)
    assert len(regions(node_of(conv), ROOMY, 1, mapping=mapping)) == 1


def narrow_map(height: int, width: int) -> Node:
    conv = Convolution(batch=1, c_in=4, c_out=4, height=height, width=width, kernel=(3, 3), padding=(1, 1))
    return node_of(conv)


@pytest.mark.parametrize("size", [(20, 40), (40, 50), (40, 80)])
def test_two_regions_fit_and_bands_of_whole_lines_load_no_less(size: tuple[int, int]) -> None:
    node, machine = narrow_map(*size), Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=16"]))
    room, found = bank_entries(machine) // 2, regions(node, machine, 1)
    assert len(found) > 1
    assert all(fits(region, room) for region in found)

    def loads(areas: list[Region]) -> int:
        return sum(each.real * (last - first) for each in areas for first, last in [each.real_lines(node.convolution)])

    whole = []
    for count in range(1, size[0] + 1):
        bands = [make_region(node, rows, (0, size[1]), 1) for rows in split(size[0], -(-size[0] // count))]
        if all(fits(band, room) for band in bands):
            whole.append(loads(bands))
    assert loads(found) <= min(whole) if size[1] < 80 else loads(found) < 0.7 * min(whole)
    widths = {region.columns[1] - region.columns[0] for region in found}
    assert widths == {size[1]} or min(widths) >= NARROW


@few
@given(nodes(), IMAGES, st.none() | st.integers(1, 40), st.booleans())
def test_blocks_cut_a_region_into_runs_of_the_output(node: Node, images: int, pixels: int | None, half: bool) -> None:
    height, width = node.out_shape[1:]
    first = width // 2 if half else 0
    region = make_region(node, (0, height), (first, width), 1, images)
    window = node.window.kernel[0] * node.window.kernel[1]
    found = list(blocks(region, node, SMALL, pixels))
    numbers = [[row * width + column for row in range(*rows) for column in range(*columns)] for rows, columns in found]
    assert sorted(itertools.chain(*numbers)) == [row * width + column for row, column in outputs(region)]
    for (rows, _), run in zip(found, numbers, strict=True):
        assert run == list(range(run[0], run[0] + len(run)))
        assert len(run) == 1 or len(run) * images <= block_limit(node, SMALL, pixels)
        assert len(run) == 1 or len(run) * images * window <= SMALL.hw.accumulators.depth
        assert rows[1] - rows[0] == 1 or not one_row(node, images)


def test_the_smallest_of_three_limits_is_a_block() -> None:
    depth = ROOMY.hw.accumulators.depth
    plain, raw = narrow_map(40, 40), node_of(narrow_map(40, 40).convolution, raw=True)
    pooled = node_of(plain.convolution, Pool(kernel=(2, 3), stride=(1, 1)))
    assert block_limit(plain, ROOMY) == min(depth, ROOMY.output_depth, MAX_ITEMS)
    assert block_limit(raw, ROOMY) == min(depth, ROOMY.output_depth // 4, MAX_ITEMS)
    assert block_limit(pooled, ROOMY) == min(depth // 6, ROOMY.output_depth, MAX_ITEMS)
    assert [block_limit(pooled, ROOMY, pixels) for pixels in (5, 6, 13)] == [1, 1, 2]


@few
@given(st.integers(1, 200), st.integers(1, 200))
def test_split_gives_the_fewest_even_parts(size: int, largest: int) -> None:
    parts = split(size, largest)
    assert [number for part in parts for number in range(*part)] == list(range(size))
    lengths = [stop - start for start, stop in parts]
    assert max(lengths) <= largest
    assert (len(parts) - 1) * largest < size
    assert max(lengths) - min(lengths) <= 1
