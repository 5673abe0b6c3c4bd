"""Zeros that are drawn: they have their pattern, and equal questions get equal ones."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.pattern import Pattern, measured_pattern
from skipbeat_arch.workload import Convolution
from skipbeat_models.gradients.drawn_zeros import matrix_zeros, product_zeros


@pytest.mark.parametrize("text", ["dense", "2:8", "1:4"])
def test_zeros_have_their_pattern(text: str) -> None:
    found = matrix_zeros((64, 16), Pattern.parse(text), "magnitude", 3).nonzero()
    assert str(measured_pattern(found)) == text
    assert (
        matrix_zeros((64, 16), Pattern.parse(text), "magnitude", 3).key
        == matrix_zeros((64, 16), Pattern.parse(text), "magnitude", 3).key
    )


def test_constant_fan_in_keeps_as_many_of_every_output() -> None:
    found = matrix_zeros((40, 16), Pattern.parse("unstructured:0.25"), "constant-fan-in", 0).nonzero()
    assert np.array_equal(found.sum(axis=0), np.full(16, 10))


def test_zeros_of_a_grouped_convolution() -> None:
    conv = Convolution(batch=1, c_in=16, c_out=8, height=4, width=4, kernel=(3, 3), groups=2)
    assert product_zeros(conv, Pattern.parse("2:8"), "magnitude", 0).nonzero().shape == (2, 72, 4)
