"""The reduction form of a weight against its definition, index by index."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import ReductionOrder
from skipbeat_models.reduction import reduction_matrix, weight_from_matrix

ORDERS: tuple[ReductionOrder, ...] = ("kh,kw,cin", "cin,kh,kw")
SIZE = st.integers(1, 5)


@given(SIZE, SIZE, SIZE, SIZE)
def test_rows_follow_the_order(k: int, c: int, h: int, w: int) -> None:
    weight = torch.arange(k * c * h * w).reshape(k, c, h, w)
    taps_first = reduction_matrix(weight, "kh,kw,cin")
    channels_first = reduction_matrix(weight, "cin,kh,kw")
    for out, channel, i, j in torch.cartesian_prod(*(torch.arange(n) for n in (k, c, h, w))).reshape(-1, 4).tolist():
        value = weight[out, channel, i, j]
        assert taps_first[(i * w + j) * c + channel, out] == value
        assert channels_first[(channel * h + i) * w + j, out] == value


@given(st.sampled_from(ORDERS), SIZE, SIZE, SIZE, SIZE)
def test_inverse(order: ReductionOrder, k: int, c: int, h: int, w: int) -> None:
    for shape in ((k, c, h, w), (k, c)):
        weight = torch.randn(shape, generator=torch.Generator().manual_seed(k))
        matrix = reduction_matrix(weight, order)
        assert matrix.shape == (weight.numel() // k, k)
        assert torch.equal(weight_from_matrix(matrix, shape, order), weight)


def test_bad_shapes_and_orders_are_named() -> None:
    with pytest.raises(InputError, match="2 dimensions"):
        reduction_matrix(torch.zeros(3, 4, 5))
    with pytest.raises(InputError, match=r"not the reduction form of a weight of \(2, 3\)"):
        weight_from_matrix(torch.zeros(2, 3), (2, 3))
    unknown = cast(ReductionOrder, "kw,kh,cin")
    with pytest.raises(InputError, match=r"'kw,kh,cin': expected one of kh,kw,cin, cin,kh,kw"):
        reduction_matrix(torch.zeros(1, 1, 1, 1), unknown)
