"""Bugs that are planted in the hardware: the co-simulation finds each of them."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

import skipbeat_hw.core.accumulators
import skipbeat_hw.core.pe
import skipbeat_hw.core.slots
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_hw.simulation.driver import VerilatedCore
from skipbeat_hw.tools.verilog import core_verilog
from skipbeat_verify.core_passes import CorePasses, random_bundles
from skipbeat_verify.cosimulation import Cosimulation, cosimulate


@pytest.fixture(scope="module")
def tiny() -> Hardware:
    return load_hardware("tiny-4x4", ["array.rows=2", "array.cols=2", "weights.decode_lanes=1"])


def cosimulated(hw: Hardware, verilog: str) -> Cosimulation:
    """Two blocks of three passes; the groups of a tile have 0 to 2 nonzeros, and some columns are not used."""
    rng = np.random.default_rng(1)
    passes = CorePasses(hw)
    for cols in (2, 1):
        for number in range(3):
            weights = rng.integers(1, 128, (2, 4, cols)).astype(np.int8)
            rank = rng.random(weights.shape).argsort(axis=1).argsort(axis=1)
            weights[rank >= rng.integers(0, 3, (2, 1, cols))] = 0
            weights[0, :2, 0] = 1
            passes.load(weights, random_bundles(rng, hw, 9), first=number == 0, last=number == 2)
    return cosimulate(passes.streams(), VerilatedCore(verilog, hw))


def rewritten(module: ModuleType, function: Callable[..., object], old: str, new: str) -> Callable[..., object]:
    """The function of a module with one piece of its source replaced."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"{function.__qualname__} no longer holds {old!r}"
    scope = dict(vars(module))
    exec(source.replace(old, new), scope)
    made: Callable[..., object] = scope[function.__name__]
    return made


def plant_wrong_index_bit(patch: pytest.MonkeyPatch) -> None:
    """The PE picks the neighbour of the activation that its index names."""
    pe = skipbeat_hw.core.pe
    elaborate = rewritten(pe, pe.PE.elaborate, "[read.data.index]", "[read.data.index ^ 1]")
    patch.setattr(pe.PE, "elaborate", elaborate)


def plant_popcount_off_by_one(patch: pytest.MonkeyPatch) -> None:
    """The decoder's prefix popcount counts a column among those below it."""
    slots = skipbeat_hw.core.slots
    popcount = rewritten(slots, slots.prefix_popcount, "[Cat(0), *counts]", "[*counts, counts[-1]]")
    patch.setattr(slots, "prefix_popcount", popcount)


def plant_lost_carry(patch: pytest.MonkeyPatch) -> None:
    """The accumulators begin every pass at zero, not only the first."""
    accumulators = skipbeat_hw.core.accumulators
    column = accumulators.AccumulatorColumn
    elaborate = rewritten(accumulators, column.elaborate, "Mux(takes, entry, earlier)", "Mux(takes, 0, earlier)")
    patch.setattr(column, "elaborate", elaborate)


def test_without_a_bug_all_levels_agree(tiny: Hardware) -> None:
    assert cosimulated(tiny, core_verilog(tiny)).agrees


@pytest.mark.parametrize("plant", [plant_wrong_index_bit, plant_popcount_off_by_one, plant_lost_carry])
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], tiny: Hardware, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = core_verilog(tiny)
    plant(monkeypatch)
    broken = core_verilog(tiny)
    assert broken != sound
    result = cosimulated(tiny, broken)
    assert not result.agrees
    assert not result.bit_exact
