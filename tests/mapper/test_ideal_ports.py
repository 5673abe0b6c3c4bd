"""The core's clocks with ports that are always served: the timing model on the passes of the plan, and never fewer."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.ideal_ports import core_clocks
from skipbeat_mapper.program.lowering import lower
from skipbeat_mapper.units.network_units import plan
from skipbeat_sim.timing.core_timing import core_cycles
from skipbeat_sim.timing.machine_timing import columns_timing
from skipbeat_sim.timing.pass_columns import PassColumns
from tests.mapper.listed import listed
from tests.mapper.networks import random_graph
from tests.mapper.placed import graph_of, placed
from tests.mapper.random_nodes import node_of

HW = load_hardware("edge-8x8")
MACHINE = Machine.of(HW)


@pytest.mark.parametrize("seed", range(4))
def test_they_are_those_of_the_passes_of_the_plan(seed: int) -> None:
    memory = placed(random_graph(np.random.default_rng(seed)), MACHINE)
    lowered = lower(memory, "network")
    passes = [op for unit in listed(plan(memory)) for op in unit.passes]
    found = core_clocks(lowered, HW)
    assert found == core_cycles(
        PassColumns.of([op.command for op in passes], [op.tile for op in passes if op.tile]), HW
    )
    assert sum(op.steps for op in passes) <= found
    assert found <= columns_timing(MACHINE, lowered.columns).cycles


def test_long_passes_take_their_steps_and_the_pipe() -> None:
    conv = Convolution(batch=1, c_in=32, c_out=16, height=16, width=16, kernel=(3, 3), padding=(1, 1))
    lowered = lower(placed(graph_of(node_of(conv)), MACHINE), "layer")
    steps = 9 * (32 // 32) * (16 // 8) * 256 * 4  # taps, channels over R · M, column tiles, pixels, b = M
    assert steps <= core_clocks(lowered, HW) <= steps + 200
