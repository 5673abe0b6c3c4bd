"""A product of too many rows costs what its blocks cost, each a program of its own, and a reader is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skipbeat_arch.budget import limited, passes
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Pool
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.model import LayerKind, LayerPart, ModelDescription, ModelLayer, ModelRun
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution, one_image
from skipbeat_mapper.estimate.model import estimate_model
from skipbeat_mapper.estimate.row_blocks import in_row_blocks, row_blocks
from skipbeat_models.planned_run import PlannedNode, planned_run
from skipbeat_models.weight_zeros import DrawnZeros, weight_zeros

HW = load_hardware("edge-8x8", ["accumulators.depth=16"])
#: Passes of a block of 16 rows of the product below: 3 x 2 tiles.
TILES = 6


def node(rows: int, inputs: int = 80, outputs: int = 16, *, operand: bool = False, raw: bool = False) -> PlannedNode:
    """A product with drawn 2:4 zeros, or of two activations."""
    conv = Convolution(batch=1, c_in=inputs, c_out=outputs, height=1, width=rows, kernel=(1, 1))
    zeros = DrawnZeros((inputs, outputs), Pattern.parse("dense" if operand else "2:4"), seed=inputs)
    return PlannedNode(
        name="fc", workload=conv, weight=weight_zeros(zeros), source=0, operand=operand, raw=raw, alike=False
    )


def run_of(*nodes: PlannedNode, repeats: int = 1, images: int = 1) -> ModelRun:
    """The run of these nodes."""
    return planned_run(nodes, tuple(each.name for each in nodes), repeats=repeats, images=images)


def model(one: PlannedNode, repeats: int = 1) -> ModelDescription:
    """The model of this node."""
    assert one.weight is not None
    part = LayerPart(workload=one.workload.gemm, weight=one.weight, repeats=repeats)
    layer = ModelLayer(
        name=one.name, kind=LayerKind.LINEAR, parts=(part,), shape="", pattern=Pattern.parse("2:4"), density=0.5
    )
    return ModelDescription(name="model", layers=(layer,), runs=(run_of(one, repeats=repeats),))


def blocks_of(rows: int, most_passes: int) -> list[tuple[int, int]]:
    """Rows and repeats of the blocks within a limit of passes."""
    with limited(most_passes):
        return [(each.products[0].gemm.p, each.repeats) for each in row_blocks(run_of(node(rows)), HW)]


def test_a_block_has_as_many_passes_as_the_test_says() -> None:
    assert passes(one_image(node(16).workload.gemm)[0], HW) == TILES


@pytest.mark.parametrize(
    ("rows", "most", "blocks"),
    [
        (96, 6 * TILES, [(96, 1)]),
        (96, 6 * TILES - 1, [(48, 2)]),
        (97, 6 * TILES, [(49, 1), (48, 1)]),  # of a prime number of rows no blocks are equal
        (100, 4 * TILES, [(50, 2)]),
        (99, 3 * TILES, [(33, 3)]),
        (94, 2 * TILES, [(32, 2), (30, 1)]),  # equal ones would be more than twice as many
        (91, 2 * TILES, [(31, 2), (29, 1)]),
        (96, TILES - 1, [(96, 1)]),  # not even the least block fits
    ],
)
def test_blocks_are_few_and_equal_if_they_can_be(rows: int, most: int, blocks: list[tuple[int, int]]) -> None:
    assert blocks_of(rows, most) == blocks
    assert sum(size * count for size, count in blocks) == rows


def test_a_layer_costs_what_its_blocks_cost() -> None:
    whole = estimate_model(model(node(97), repeats=2), HW)
    with limited(6 * TILES):
        found = estimate_model(model(node(97), repeats=2), HW)
    parts = [estimate_model(model(node(rows)), HW) for rows in (49, 48)]
    assert found.cycles == 2 * sum(each.cycles for each in parts) > whole.cycles
    assert found.layers[0].cycles_dense == 2 * sum(each.layers[0].cycles_dense for each in parts)
    assert found.layers[0].macs == whole.layers[0].macs
    for bits in ("value_bits", "metadata_bits"):  # the weights are stored once
        assert getattr(found.layers[0].cost, bits) == getattr(whole.layers[0].cost, bits) > 0
    assert found.layers[0].cost.machine.read_bytes > whole.layers[0].cost.machine.read_bytes
    assert [run.repeats for run in found.runs] == [2, 2]
    (said,) = set(found.assumptions) - set(whole.assumptions)
    assert said.startswith("a program has at most 36 passes of the array (--limit) and 32-bit addresses: layer fc is c")


def test_addresses_reach_all_that_a_block_reads_and_writes() -> None:
    hw = load_hardware("large-32x32")
    for raw, blocks in ((False, [(16_384, 2)]), (True, [(4_096, 8)])):
        run = run_of(node(32_768, 128, 131_072, operand=True, raw=raw))
        assert [(each.products[0].gemm.p, each.repeats) for each in row_blocks(run, hw)] == blocks
        assert (blocks[0][0] * 131_072) * (4 if raw else 1) < 1 << 32
    together = run_of(node(16_384, 128, 65_536, operand=True), images=8)
    with limited(1 << 40):
        assert [each.repeats for each in row_blocks(together, hw)] == [4]


def test_a_block_counts_the_rows_that_banks_hold() -> None:
    hw = load_hardware("edge-8x8", ["accumulators.depth=64", "activations.buffer_kib=2"])  # 21 rows of 3 entries
    run = run_of(node(256))
    with limited(13 * TILES):
        assert row_blocks(run, hw) == (run,)
    with limited(13 * TILES - 1):
        assert [(each.products[0].gemm.p, each.repeats) for each in row_blocks(run, hw)] == [(128, 2)]


def test_what_is_no_line_of_rows_stays_whole() -> None:
    line = node(96)
    high = replace(line, workload=replace(line.workload, height=96, width=1))
    wide = replace(line, workload=replace(line.workload, kernel=(1, 2)))
    pooled = replace(line, pool=Pool(kernel=(1, 2), stride=(1, 2)))
    joined = PlannedNode(name="joined", workload=line.workload, weight=None, source=0, parts=(0, 1))
    with limited(TILES):
        for run in (run_of(high), run_of(wide), run_of(pooled), run_of(line, joined)):
            assert row_blocks(run, HW) == (run,)
    described = model(high)
    assert in_row_blocks(described, HW) == (described, frozenset())
    with limited(TILES), pytest.raises(InputError, match=r"layer fc: its program has 36 passes"):
        estimate_model(described, HW)


def test_products_that_follow_one_another_are_cut_alike() -> None:
    following = replace(node(96, 16, 8), name="next", source=1, residual=None)
    with limited(3 * (TILES + 1)):
        (blocks,) = row_blocks(run_of(node(96), following, repeats=5), HW)
    assert blocks.repeats == 10
    assert [each.gemm.p for each in blocks.products] == [48, 48]
    assert blocks.layers == ("fc", "next")
    assert {each.convolution.width for each in blocks.graph().nodes} == {48}
