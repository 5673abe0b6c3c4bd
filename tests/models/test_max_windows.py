"""Maxima over windows beside torch's, their places and what is put there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

from skipbeat_arch.graph import Pool
from skipbeat_models.max_windows import largest, spread, windows


@pytest.mark.parametrize(
    ("kernel", "stride", "size"),
    [((2, 2), (2, 2), (8, 8)), ((3, 2), (3, 3), (10, 9)), ((1, 2), (3, 2), (5, 5)), ((1, 1), (1, 1), (2, 3))],
)
def test_largest_sums_and_their_gradients_are_torchs(
    kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, int]
) -> None:
    """Few values, so that several of a window are the largest: the first one counts, as in torch."""
    rng, pool = np.random.default_rng(0), Pool(kernel=kernel, stride=stride)
    sums = rng.integers(-2, 3, (2, 3, *size))
    wanted, at = max_pool2d(torch.from_numpy(sums.astype(np.float64)), kernel, stride, return_indices=True)
    found, places = largest(sums, pool)
    np.testing.assert_array_equal(found, wanted.numpy())
    gradient = rng.integers(-127, 128, found.shape).astype(np.int8)
    whole = torch.zeros(2, 3, size[0] * size[1], dtype=torch.int8)
    whole.scatter_(2, at.flatten(2), torch.from_numpy(gradient).flatten(2))
    np.testing.assert_array_equal(spread(gradient, places, pool, sums.shape), whole.numpy().reshape(sums.shape))


def test_windows_are_whole_and_row_by_row() -> None:
    found = windows(np.arange(20).reshape(4, 5), Pool(kernel=(2, 2), stride=(2, 2)))
    assert found.tolist() == [[[0, 1, 5, 6], [2, 3, 7, 8]], [[10, 11, 15, 16], [12, 13, 17, 18]]]
