"""The timing model of the machine against its cycle model, on compiled networks."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.compile import compile_network
from skipbeat_sim.timing.stored_tiles import stored_tiles
from tests.mapper.networks import random_graph
from tests.sim.timing.timing_check import check


@pytest.mark.parametrize(
    ("preset", "seed"),
    [
        ("tiny-4x4", 0),
        pytest.param("tiny-4x4", 2, marks=pytest.mark.slow),
        pytest.param("tiny-4x4", 4, marks=pytest.mark.slow),
        ("edge-16x16-m8", 0),
        ("edge-16x16-m8", 2),
        ("edge-16x16-m8", 4),
    ],
)
def test_compiled_networks(preset: str, seed: int) -> None:
    machine = Machine.of(load_hardware(preset))
    program = compile_network(random_graph(np.random.default_rng(seed)), machine.hw)
    tiles = stored_tiles(machine, program.image, program.instructions)
    check(machine, program.memory(), program.instructions, tiles, f"seed {seed}", program.address)
