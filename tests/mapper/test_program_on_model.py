"""Compiled programs on the cycle model: the bits of the GEMM, in the cycles that the mapper promised."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.core_compiler.compile import compile_layer
from skipbeat_mapper.core_compiler.stimulus import collect, stimulus
from skipbeat_sim.core.run_core import run_core


@pytest.mark.parametrize("seed", range(12))
def test_the_program_that_was_priced_is_the_program_that_runs(make_hw: Callable[..., Hardware], seed: int) -> None:
    rng = np.random.default_rng(seed)
    cols = int(rng.integers(1, 4)) * 2
    hw = make_hw(int(rng.integers(1, 7)), cols, int(rng.choice([4, 8, 16])), int(rng.choice([1, 5, 64])), cols // 2)
    gemm = Gemm(p=int(rng.integers(1, 24)), c=int(rng.integers(1, 80)), k=int(rng.integers(1, 14)))
    weight = rng.choice(np.array([-128, -1, 1, 127], np.int8), (gemm.c, gemm.k))
    weight[rng.random(weight.shape) >= (0.1, 0.5, 1.0)[seed % 3]] = 0
    weight[:, :cols] *= np.int8(seed % 4 != 0)  # sometimes an empty column tile
    x = rng.choice(np.array([-128, 0, 3, 127], np.int8), (gemm.p, gemm.c))
    expected = x.astype(np.int64) @ weight.astype(np.int64)

    program = compile_layer((weight, gemm), hw)
    run, _ = run_core(hw, stimulus(program, x))
    assert run.finished
    assert run.cycles == program.cycles
    np.testing.assert_array_equal(collect(program, run.results), expected)

    slow = {"weights": np.array([True, False, False]), "results": np.array([False, False, True])}
    held, _ = run_core(hw, stimulus(program, x, slow))
    assert held.finished
    np.testing.assert_array_equal(collect(program, held.results), expected)
