"""What is known of zeros that a seed gives, before they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.pattern import Pattern, measured_pattern
from skipbeat_models.weight_zeros import DrawnZeros

PATTERNS = ["1:4", "2:4", "3:4", "1:8", "2:8", "3:8", "5:8", "4:16", "7:16", "9:32", "3:64", "2:3", "4:4", "dense"]


@pytest.mark.parametrize("text", [*PATTERNS, "unstructured:0.4", "block:0.5"])
@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (37, 4), (64, 32), (200, 60), (5, 40, 7)])
def test_what_is_known_is_what_is_measured(text: str, shape: tuple[int, ...]) -> None:
    for seed in range(3):
        drawn = DrawnZeros(shape, Pattern.parse(text), seed)
        mask = drawn()
        flat = mask if mask.ndim == 2 else np.concatenate(list(mask), axis=1)
        assert drawn.measured() == (measured_pattern(flat), int(np.count_nonzero(mask)))


def test_n_of_m_need_not_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DrawnZeros, "__call__", None)
    assert DrawnZeros((11_008, 4096), Pattern.parse("2:4"), 0).measured()[1] == 11_008 * 4096 // 2


@pytest.mark.parametrize("text", PATTERNS)
@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (37, 4), (64, 32), (203, 60)])
def test_groups_have_as_many_as_when_they_are_drawn(text: str, shape: tuple[int, int]) -> None:
    pattern = Pattern.parse(text)
    drawn = DrawnZeros(shape, pattern, 1)
    for group in (1, 2, 3, 4, 6, 8, 16, 64):
        counted = drawn.counted(group)
        assert (counted is None) == (pattern.kind != "nm" or group % pattern.m != 0)
        if counted is not None:
            for start in range(0, shape[0], group):
                there = (each[start : start + group].sum(axis=0) for each in (counted, drawn()))
                assert np.array_equal(*there)


def test_only_matrices_are_counted() -> None:
    assert DrawnZeros((5, 40, 7), Pattern.parse("2:4"), 0).counted(4) is None
