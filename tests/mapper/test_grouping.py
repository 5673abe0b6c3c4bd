from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.core_compiler.grouping import candidates, segmented, workload_groupings


def fullest(lines: np.ndarray) -> int:
    return int((lines >= 0).sum(axis=1).max())


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 300), rows=st.integers(1, 16), group=st.sampled_from((4, 8, 16, 32)))
def test_every_element_has_exactly_one_position(
    make_hw: Callable[..., Hardware], size: int, rows: int, group: int
) -> None:
    for lines in candidates(np.arange(size), make_hw(rows, 4, group)):
        assert lines.shape[1] == group
        np.testing.assert_array_equal(np.sort(lines[lines >= 0]), np.arange(size))


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 300), rows=st.integers(1, 16), group=st.sampled_from((4, 8)))
def test_a_dense_reduction_costs_one_step_per_row_of_elements(
    make_hw: Callable[..., Hardware], size: int, rows: int, group: int
) -> None:
    costs = []
    for lines in candidates(np.arange(size), make_hw(rows, 4, group)):
        costs.append(sum(fullest(lines[at : at + rows]) for at in range(0, len(lines), rows)))
    assert min(costs) == -(-size // rows)


@pytest.mark.parametrize(("taps", "steps"), [(9, 1), (16, 1), (27, 2), (49, 4)])
def test_the_taps_of_a_first_convolution_use_all_rows(make_hw: Callable[..., Hardware], taps: int, steps: int) -> None:
    lines = candidates(np.arange(taps), make_hw(16, 16, 4))
    assert min(fullest(line) for line in lines if len(line) <= 16) == steps


def test_without_spreading_there_are_only_plain_groups(make_hw: Callable[..., Hardware]) -> None:
    (lines,) = candidates(np.arange(9), make_hw(16, 16, 4), spread=False)
    np.testing.assert_array_equal(lines, [[0, 1, 2, 3], [4, 5, 6, 7], [8, -1, -1, -1]])


def test_segments_keep_a_tap_s_channels_apart_from_the_next() -> None:
    lines = segmented(np.arange(12), 6, 4)
    np.testing.assert_array_equal(lines, [[0, 1, 2, 3], [4, 5, -1, -1], [6, 7, 8, 9], [10, 11, -1, -1]])


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
def test_groupings_of_every_workload_are_complete(make_hw: Callable[..., Hardware], order: str) -> None:
    hw = make_hw(4, 4, 4)
    conv = Convolution(
        batch=1,
        c_in=12,
        c_out=4,
        height=5,
        width=5,
        kernel=(3, 1),
        groups=2,
        order="kh,kw,cin" if order == "kh,kw,cin" else "cin,kh,kw",
    )
    for workload, size in ((conv, 36), (Gemm(p=1, c=5, k=1), 5)):
        found = workload_groupings(workload, hw)
        assert len(found) > 1
        for lines in found:
            np.testing.assert_array_equal(np.sort(lines[lines >= 0]), np.arange(size))
