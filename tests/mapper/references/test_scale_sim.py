"""SCALE-Sim's formula against the numbers that it printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.references.dense_array import dense_array_cycles
from skipbeat_mapper.references.resnet18 import resnet18
from skipbeat_mapper.references.scale_sim import scale_sim_cycles, scale_sim_fill

GEMMS = st.builds(Gemm, p=st.integers(1, 300), c=st.integers(1, 300), k=st.integers(1, 300))


@pytest.mark.parametrize(
    ("size", "dense", "sparse", "output_stationary"),
    [(32, 2_855_031, 1_490_695, 2_133_315), (16, 9_226_427, 4_865_003, 8_005_533)],
)
def test_resnet18_as_scale_sim_prints_it(size: int, dense: int, sparse: int, output_stationary: int) -> None:
    layers = resnet18()
    assert sum(scale_sim_cycles(layer, size, size) for layer in layers) == dense
    first, *others = layers
    pruned = scale_sim_cycles(first, size, size) + sum(scale_sim_cycles(o, size, size, (2, 4)) for o in others)
    assert pruned == sparse
    assert sum(scale_sim_cycles(layer, size, size, dataflow="os") for layer in layers) == output_stationary


def test_a_fold_by_hand() -> None:
    """Four clocks to load 4 rows, 4 + 4 − 2 of skew, 10 pixels; two folds along the reduction, three of outputs."""
    gemm = Gemm(p=10, c=8, k=12)
    assert scale_sim_cycles(gemm, 4, 4) == 2 * 3 * (4 + 6 + 10) - 1
    assert scale_sim_fill(gemm, 4, 4) == 2 * 3 * 10 - 1
    assert scale_sim_cycles(gemm, 4, 4, (2, 4)) == 3 * 20 - 1
    assert scale_sim_cycles(Gemm(p=10, c=9, k=12), 4, 4, (2, 4)) == 2 * 3 * 20 - 1  # 9 makes three groups, so 6 rows
    grouped = Convolution(batch=1, c_in=8, c_out=8, height=4, width=4, kernel=(1, 1), groups=8)
    assert scale_sim_cycles(grouped, 4, 4) == 8 * scale_sim_cycles(Gemm(p=16, c=1, k=1), 4, 4)


@given(GEMMS, st.integers(1, 64), st.integers(1, 64))
def test_what_is_not_filling_is_the_ideal_array(gemm: Gemm, rows: int, cols: int) -> None:
    ideal = dense_array_cycles(gemm, rows, cols)
    assert ideal + scale_sim_fill(gemm, rows, cols) == scale_sim_cycles(gemm, rows, cols)
    assert scale_sim_cycles(gemm, rows, cols, (1, 1)) == scale_sim_cycles(gemm, rows, cols)


def test_what_scale_sim_cannot_price() -> None:
    with pytest.raises(InputError, match="expected a pattern N:M with 1 <= N <= M, not 5:4"):
        scale_sim_cycles(Gemm(p=1, c=1, k=1), 4, 4, (5, 4))
    with pytest.raises(InputError, match="weight-stationary dataflow only"):
        scale_sim_cycles(Gemm(p=1, c=1, k=1), 4, 4, (2, 4), dataflow="os")
