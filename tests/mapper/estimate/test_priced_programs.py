"""What was priced is a program: compiled with weights and run, it takes exactly as long and moves as much."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.model import LayerPart
from skipbeat_arch.registers import Cause
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.estimate.layers import weight_bits
from skipbeat_mapper.estimate.part import one_image, part_weight
from skipbeat_mapper.estimate.pricing import PartCost, Pricer
from skipbeat_mapper.node_mapping import NodeMapping, Order
from skipbeat_mapper.node_tiles import packed_words
from skipbeat_sim.machine.run_machine import run_machine
from tests.mapper.estimate.priced_layers import conv, part_of, random_zeros, real_program, zeros_for

SMALL = load_hardware("edge-8x8")
#: Buffers so small that maps are split and weights loaded again; a narrow bus.
TIGHT = load_hardware(
    "edge-8x8",
    ["activations.buffer_kib=4", "weights.buffer_kib=3", "accumulators.depth=32", "memory.bytes_per_clock=4"],
)
WIDE = load_hardware("large-32x32")

CASES = {
    "conv": part_of(conv(24, 20, 10, 3), zeros_for(conv(24, 20, 10, 3), 2)),
    "image": part_of(conv(3, 16, 12, 5, stride=2), zeros_for(conv(3, 16, 12, 5, stride=2), 4)),
    "depthwise": part_of(conv(24, 24, 7, 3, groups=24), np.ones((24, 9, 1), np.bool_)),
    "unstructured": part_of(conv(40, 24, 6, 1), random_zeros((40, 24), 0.3, 5)),
    "tokens": part_of(Gemm(p=37, c=70, k=30), zeros_for(Gemm(p=37, c=70, k=30), 1)),
    "one token": part_of(Gemm(p=1, c=130, k=50), zeros_for(Gemm(p=1, c=130, k=50), 2)),
    "nothing": part_of(Gemm(p=9, c=8, k=20), np.zeros((8, 20), np.bool_)),
    "half a layer": part_of(Gemm(p=9, c=8, k=20), np.arange(20)[None, :] < np.full((8, 1), 5)),
}


def price(part: LayerPart, hw: Hardware) -> PartCost:
    """The cost of a part."""
    return Pricer(hw).price(one_image(part.workload)[0], part_weight(part, "layer"), "layer")


def check(part: LayerPart, hw: Hardware, cost: PartCost) -> None:
    """The cycle model runs the same program in the priced clocks."""
    program = real_program(part, cost, hw, seed=1)
    memory = program.memory()
    run = run_machine(Machine.of(hw), memory, program.address, program.count, max_clocks=400_000)
    assert run.done
    assert run.error == 0
    assert run.cycles == cost.cycles
    assert (run.bytes_read, run.bytes_written) == (cost.machine.read_bytes, cost.machine.written_bytes)
    assert run.events == cost.events
    assert {cause: getattr(run.clocks, cause.name.lower()) for cause in Cause} == cost.clocks
    assert program.count == cost.machine.instructions


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("hw", [SMALL, TIGHT], ids=["small", "tight"])
def test_cycles_are_those_of_the_program(name: str, hw: Hardware) -> None:
    check(CASES[name], hw, price(CASES[name], hw))


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("pixels", [None, 16])
@pytest.mark.parametrize("share", [1, 2])
def test_every_tactic_is_priced_as_it_runs(order: Order, pixels: int | None, share: int) -> None:
    part = CASES["conv"]
    pricer = Pricer(TIGHT)
    cost = price(part, TIGHT)
    tactic = NodeMapping(order=order, pixels=pixels, share=share)
    check(part, TIGHT, pricer.with_tactic(cost.candidate.node, tactic))


def test_cycles_on_32_columns() -> None:
    part = part_of(conv(64, 40, 5, 3), zeros_for(conv(64, 40, 5, 3), 2))
    check(part, WIDE, price(part, WIDE))


@pytest.mark.parametrize("name", CASES)
def test_weight_bits_are_those_of_the_packed_weights(name: str) -> None:
    cost = price(CASES[name], SMALL)
    candidate = cost.candidate
    packed = packed_words(candidate.node, candidate.banks, candidate.tiles, candidate.machine)
    values, metadata = weight_bits(cost)
    assert values + metadata == 8 * packed.size
    tiles = [tile.statistics for column in candidate.tiles.columns for tile in column]
    assert metadata >= sum(tile.metadata_bits for tile in tiles)
    assert values >= sum(tile.value_bits for tile in tiles)
    assert (metadata == 0) == all(tile.metadata_bits == 0 for tile in tiles)
