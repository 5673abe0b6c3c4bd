"""The ideal dense array: never quicker than its multipliers, and its ragged edges by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.references.dense_array import dense_array_cycles, dense_array_reference
from skipbeat_mapper.references.work import Work

GEMMS = st.builds(Gemm, p=st.integers(1, 300), c=st.integers(1, 300), k=st.integers(1, 300))


@given(GEMMS, st.integers(1, 64), st.integers(1, 64))
def test_no_array_is_quicker_than_its_multipliers(gemm: Gemm, rows: int, cols: int) -> None:
    assert gemm.macs / (rows * cols) <= dense_array_cycles(gemm, rows, cols)
    assert dense_array_cycles(gemm, 1, 1) == gemm.macs


def test_a_channel_group_at_a_time() -> None:
    grouped = Convolution(batch=1, c_in=8, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1), groups=4)
    assert dense_array_cycles(grouped, 4, 4) == 4 * 5 * 1 * 16  # 18 of the reduction on 4 rows, 2 outputs, 16 pixels


@pytest.mark.parametrize(("c", "edges"), [(64, "0.0%"), (48, "25.0%"), (33, "48.3%")])
def test_the_edges_are_told(c: int, edges: str) -> None:
    found = dense_array_reference([Work(workload=Gemm(p=10, c=c, k=32), repeats=3)], load_hardware("large-32x32"))
    assert found.cycles == found.cycles_dense == 3 * 2 * 10
    assert f"{edges} of its cycles are ragged edges" in found.explanation
