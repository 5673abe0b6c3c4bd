"""Co-simulation through the Python API: extreme values, back-pressure, and what it says when the levels differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from skipbeat_arch.arrays import BoolArray, Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.stream import CoreRun, CoreStimulus
from skipbeat_verify.core_passes import CorePasses, random_bundles, random_passes
from skipbeat_verify.core_program import core_program
from skipbeat_verify.cosimulation import (
    GemmCosimulation,
    RtlCore,
    cosimulate,
    cosimulate_gemm,
    first_difference,
    rtl_core,
)

#: With a machine around the core, and without one.
SMALLEST = (2, 4, 4, 1)
ARRAYS = (SMALLEST, (4, 8, 8, 2), pytest.param((8, 8, 4, 8), marks=pytest.mark.slow))
CORES = (*ARRAYS, (3, 5, 16, 5))


def hardware(rows: int, cols: int, group: int, lanes: int) -> Hardware:
    sizes = {"array.rows": rows, "array.cols": cols, "array.group": group, "weights.decode_lanes": lanes}
    sizes |= {"accumulators.depth": 32, "outputs.lanes": 1}
    return load_hardware("tiny-4x4", [f"{key}={value}" for key, value in sizes.items()])


@cache
def core(rows: int, cols: int, group: int, lanes: int) -> RtlCore:
    return rtl_core(hardware(rows, cols, group, lanes))


def run(array: tuple[int, int, int, int], x: Int8Array, w: Int8Array, **willing: BoolArray) -> GemmCosimulation:
    return cosimulate_gemm(core_program(x, w, hardware(*array)), core(*array), willing)


@pytest.mark.parametrize("array", CORES, ids=str)
def test_passes_at_random_agree(array: tuple[int, int, int, int]) -> None:
    passes = random_passes(np.random.default_rng(array), hardware(*array), blocks=6, pixels=12)
    result = cosimulate(passes.streams(), core(*array))
    assert result.agrees
    assert result.events.macs == passes.macs


@pytest.mark.parametrize("array", ARRAYS, ids=str)
@pytest.mark.parametrize("value", [-128, 127])
@pytest.mark.parametrize("weight", [-128, 127])
def test_extreme_values_are_exact(array: tuple[int, int, int, int], value: int, weight: int) -> None:
    x, w = np.full((5, 150), value, np.int8), np.full((150, 7), weight, np.int8)
    result = run(array, x, w)
    assert result.agrees
    assert result.y is not None
    assert (result.y == 150 * value * weight).all()


@pytest.mark.parametrize("array", ARRAYS, ids=str)
def test_weights_without_a_nonzero(array: tuple[int, int, int, int]) -> None:
    x = np.ones((5, 40), np.int8)
    result = run(array, x, np.zeros((40, 7), np.int8))
    assert result.agrees
    assert result.y is not None
    assert not result.y.any()
    assert result.core.events.macs == result.core.events.bundle_reads == 0


@pytest.mark.parametrize("array", ARRAYS, ids=str)
def test_with_back_pressure_the_timing_model_is_not_asked(array: tuple[int, int, int, int]) -> None:
    rng = np.random.default_rng(2)
    x, w = rng.integers(-128, 128, (9, 40)).astype(np.int8), rng.integers(-128, 128, (40, 7)).astype(np.int8)
    free = run(array, x, w)
    held = run(array, x, w, results=np.array([0, 0, 0, 1], np.bool_), activations=np.array([1, 0], np.bool_))
    assert free.agrees
    assert held.agrees
    assert free.core.timing is not None
    assert held.core.timing is None
    assert held.to_json()["timing_cycles"] is None
    assert held.core.rtl.cycles > free.core.rtl.cycles


@dataclass
class Doctored:
    """A core whose answer is changed on the way."""

    change: Callable[[CoreRun], CoreRun]

    def run(self, stimulus: CoreStimulus, trace: bool = False) -> CoreRun:
        return self.change(core(*SMALLEST).run(stimulus, trace))


def wrong_bit(run: CoreRun) -> CoreRun:
    results = run.results.copy()
    results[1, 0] ^= 1
    return replace(run, results=results)


def late_clock(run: CoreRun) -> CoreRun:
    assert run.trace is not None
    return replace(run, cycles=run.cycles + 1, trace=np.vstack([run.trace, run.trace[-1:]]))


def wrong_port(run: CoreRun) -> CoreRun:
    assert run.trace is not None
    trace = run.trace.copy()
    trace[7, 3] ^= 1
    return replace(run, trace=trace)


def sudden_error(run: CoreRun) -> CoreRun:
    return replace(run, finished=False, error=5)


@pytest.mark.parametrize(
    ("change", "exact", "difference"),
    [
        (wrong_bit, False, None),
        (late_clock, True, "the RTL ran "),
        (wrong_port, True, "clock 7: weights.ready is "),
        (sudden_error, False, None),
    ],
)
def test_a_difference_is_seen(change: Callable[[CoreRun], CoreRun], exact: bool, difference: str | None) -> None:
    rng = np.random.default_rng(3)
    x, w = rng.integers(-128, 128, (4, 9)).astype(np.int8), rng.integers(-128, 128, (9, 4)).astype(np.int8)
    result = cosimulate(core_program(x, w, hardware(*SMALLEST)).streams, Doctored(change))
    assert (result.bit_exact, result.ports_agree, result.agrees) == (exact, difference is None, False)
    found = first_difference(result.rtl, result.model)
    assert found is None if difference is None else (found or "").startswith(difference)


def test_untraced_runs_cannot_be_compared() -> None:
    hw = hardware(*SMALLEST)
    passes = CorePasses(hw)
    passes.load(np.ones((1, 4, 1), np.int8), random_bundles(np.random.default_rng(3), hw, 2), first=True, last=True)
    result = cosimulate(passes.streams(), core(*SMALLEST))
    with pytest.raises(InputError, match="must have been traced"):
        first_difference(replace(result.rtl, trace=None), result.model)
