"""Events around the core, instruction by instruction."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import pack_tile
from skipbeat_arch.timing import MachineEvents
from skipbeat_mapper.estimate.events import machine_events
from skipbeat_sim.timing.columns import columns_of

#: 8 rows, V = 16 bytes, so that a vector is four bundles.
MACHINE = Machine.of(load_hardware("edge-16x16", ["array.rows=8"]))
TILE = pack_tile(np.ones((1, 4, 1), np.int8), MACHINE.hw)


@pytest.mark.parametrize(
    ("instruction", "events"),
    [
        (isa.Load(kind=Kind.WEIGHTS, count=7), {"weight_vectors": 7}),
        (isa.Load(kind=Kind.ACTIVATIONS, count=7), {"activation_vectors": 7}),
        (isa.Load(kind=Kind.PARAMETERS, count=7), {"parameter_vectors": 7}),
        (isa.Load(kind=Kind.RESIDUAL, count=7), {"residual_vectors": 7}),
        (isa.Load(kind=Kind.TABLE, count=7), {"table_vectors": 7}),
        # an entry of all 8 banks is 8 bundles: two vectors
        (isa.Zero(count=5), {"activation_vectors": 10}),
        (isa.Pass(command=Command(pixels=1, beat=1, rows=1, cols=1), words=9), {"weight_words": 9}),
        # three vectors to memory, each the largest of two items of 16 sums
        (
            isa.Store(low=0, high=1, count=3, pool=2, memory=True),
            {"outputs": 48, "comparisons": 48, "output_vectors": 3},
        ),
        (isa.Store(low=0, high=1, count=3, pool=1, local=True), {"outputs": 48, "activation_vectors": 3}),
        (
            isa.Store(low=0, high=1, count=3, pool=1, memory=True, local=True, residual=True),
            {"outputs": 48, "output_vectors": 3, "activation_vectors": 3, "residual_reads": 3},
        ),
        # a raw item of 16 sums of 32 bits fills four vectors
        (isa.Store(low=0, high=1, count=3, pool=1, memory=True, raw=True), {"outputs": 48, "output_vectors": 12}),
        (isa.End(), {}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_instruction(instruction: Instruction, events: dict[str, int]) -> None:
    assert MACHINE.bundles == 4
    program = [instruction, isa.Setup(), instruction]
    tiles = [TILE] * sum(isinstance(each, isa.Pass) for each in program)
    both = machine_events(MACHINE, columns_of(MACHINE, program, tiles), 11, 13)
    assert both == MachineEvents(
        **{name: 2 * count for name, count in events.items()}, instructions=3, read_bytes=11, written_bytes=13
    )
