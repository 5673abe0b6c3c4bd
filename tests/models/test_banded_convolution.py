"""A convolution in parts is the whole one, number by number."""

from __future__ import annotations

import pytest
import torch

from skipbeat_models import banded_convolution
from skipbeat_models.banded_convolution import convolution


@pytest.mark.parametrize("at_once", [1, 1 << 12, 1 << 20])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "dilation", "groups"),
    [
        ((3, 6, 21, 19), (8, 6, 3, 3), (1, 1), (1, 1), (1, 1), 1),
        ((2, 3, 40, 33), (5, 3, 7, 7), (2, 2), (3, 3), (1, 1), 1),
        ((5, 4, 17, 9), (6, 2, 3, 1), (2, 1), (2, 0), (3, 1), 2),
        ((2, 6, 9, 9), (6, 1, 3, 3), (1, 1), (1, 1), (1, 1), 6),
        ((4, 12, 1, 1), (7, 12, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    ],
)
def test_parts_are_those_of_the_whole(
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(banded_convolution, "_AT_ONCE", at_once)
    drawn = torch.Generator().manual_seed(3)
    x = torch.randint(-128, 128, shape, generator=drawn).double()
    weight = torch.randint(-128, 128, kernel, generator=drawn).double()
    bias = torch.randint(-128, 128, kernel[:1], generator=drawn).double()
    found = convolution(x, weight, bias, stride, padding, dilation, groups)
    assert torch.equal(found, torch.nn.functional.conv2d(x, weight, bias, stride, padding, dilation, groups))


def test_one_number_is_for_both_directions() -> None:
    """As an exported module may have it: `torch.nn.functional.conv2d(x, w, None, [2], [1])`."""
    x, weight = torch.ones(1, 2, 9, 9).double(), torch.ones(3, 2, 3, 3).double()
    assert torch.equal(convolution(x, weight, None, [2], [1]), torch.nn.functional.conv2d(x, weight, None, 2, 1))
