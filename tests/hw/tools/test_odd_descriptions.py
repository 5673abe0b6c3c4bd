"""Hardware descriptions at the edges of what there is: their Verilog passes the lint of docs/integration.md."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_hw.tools.verilog import accelerator_verilog, core_verilog
from tests.hw.tools.linted import linted

LANES = (1, 2, 4, 8, 16)
#: Each has sizes of one, for which a counter has no bits, or of all that a field can hold.
ODD = {
    "one column": {"array.cols": 1, "array.rows": 3, "weights.decode_lanes": 1, "accumulators.depth": 1},
    "the deepest accumulators": {"array.cols": 2, "weights.decode_lanes": 2, "accumulators.depth": 65535},
    "bursts of one beat, all lanes, gradients": {
        "outputs.lanes": 4,
        "outputs.gradients": True,
        "memory.burst_beats": 1,
        "memory.outstanding": 1,
    },
    "no sparsity hardware, a port of eight beats": {"array.group": 1, "memory.port_bytes": 32},
    "beats of a byte": {"memory.bytes_per_clock": 1, "memory.burst_beats": 256, "weights.buffer_kib": 1},
}
DRAWS = 40


def _hardware(keys: dict[str, int]) -> Hardware:
    return load_hardware("tiny-4x4", [f"{key}={value}" for key, value in keys.items()])


def _random(rng: random.Random) -> dict[str, int]:
    cols, rows = rng.choice([1, 2, 3, 4, 8, 16]), rng.choice([1, 2, 3, 4, 8])
    divisors = [lanes for lanes in LANES if cols % lanes == 0]
    return {
        "array.cols": cols,
        "array.rows": rows,
        "array.group": rng.choice([1, 4, 8]),
        "weights.decode_lanes": rng.choice(divisors),
        "weights.buffer_kib": rng.choice([1, 4]),
        "activations.buffer_kib": rng.choice([1, 4]),
        "accumulators.depth": rng.choice([1, 2, 3, 7, 65535]),
        "outputs.lanes": rng.choice(divisors),
        "outputs.buffer_kib": rng.choice([1, 2]),
        "memory.bytes_per_clock": rng.choice([1, 2, 4, 8, 16, 32]),
        "memory.burst_beats": rng.choice([1, 2, 16, 256]),
        "memory.outstanding": rng.choice([1, 2, 3, 8]),
        "memory.port_bytes": rng.choice([1, 4, 32]),
        "outputs.gradients": rng.choice([False, True]),
    }


def _check(keys: dict[str, int], folder: Path) -> None:
    hw = _hardware(keys)
    if Machine.fits(hw):
        assert linted(accelerator_verilog(Machine.of(hw)), "accelerator", folder) == "", keys
    else:
        assert linted(core_verilog(hw), "core", folder) == "", keys


@pytest.mark.parametrize("name", ODD)
def test_an_odd_description(name: str, tmp_path: Path) -> None:
    _check(ODD[name], tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(DRAWS))
def test_a_description_at_random(seed: int, tmp_path: Path) -> None:
    _check(_random(random.Random(seed)), tmp_path)
