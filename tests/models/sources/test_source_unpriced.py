"""Nothing that multiplies is lost without a word: it is priced where its mathematics is known, and named where not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention.flex_attention import flex_attention

from skipbeat_arch.model import ModelDescription

from .described import Function, describe

Tensor = torch.Tensor


@torch.library.custom_op("skipbeat_tests::stranger", mutates_args=())
def stranger(x: Tensor, w: Tensor) -> Tensor:
    """A product that nobody has told us about."""
    return x @ w.t()


@stranger.register_fake
def _(x: Tensor, w: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], w.shape[0])


def r(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def macs(found: ModelDescription) -> int:
    return sum(layer.macs_dense for layer in found.layers)


def _mapped(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    found: Tensor = torch.vmap(functional.linear, (None, 0, 0))(x, w, b)
    return found


def _flexible(x: Tensor, w: Tensor) -> Tensor:
    heads = functional.linear(x, w).view(2, 16, 2, 16).transpose(1, 2)
    found = flex_attention(heads, heads, heads)
    assert isinstance(found, Tensor)
    return found


#: A function of an input and weights, its input's shape, the weights' shapes, and its multiply-accumulates.
PRICED: dict[str, tuple[Callable[..., Tensor], tuple[int, ...], list[tuple[int, ...]], int]] = {
    "ellipsis": (lambda x, w: torch.einsum("...ts,sj->...tj", x, w), (2, 10, 16), [(16, 8)], 2 * 10 * 16 * 8),
    "ellipses": (lambda x, w: torch.einsum("b...s,...sj->b...j", x, w), (2, 3, 16), [(3, 16, 8)], 2 * 3 * 16 * 8),
    "no result": (lambda x, w: torch.einsum("ts,sj", x, w), (10, 16), [(16, 8)], 10 * 16 * 8),
    "vmap": (_mapped, (3, 16), [(5, 8, 16), (5, 8)], 5 * 3 * 8 * 16),
    "flexible attention": (_flexible, (2, 16, 32), [(32, 32)], 32 * 32 * 32 + 2 * 4 * 16 * 16 * 16),
}


@pytest.mark.parametrize("form", PRICED)
def test_forms_of_products_are_priced(form: str) -> None:
    function, shape, weights, expected = PRICED[form]
    named = {f"w{i}": r(*size) for i, size in enumerate(weights)}
    found = describe(Function(function, **named), r(*shape))
    assert (macs(found), found.unpriced) == (expected, ())


def test_an_operator_of_a_stranger_is_named() -> None:
    model = Function(lambda x, w, v: stranger(functional.linear(x, v), w), w=r(24, 16), v=r(16, 16))
    found = describe(model, r(8, 16))
    assert [layer.name for layer in found.layers] == ["v"]
    (left,) = found.unpriced
    assert (left.operator, left.elements, left.parameters) == ("skipbeat_tests.stranger", 8 * 24, 24 * 16)
    assert left.share == 24 * 16 / (24 * 16 + 16 * 16)
    assert "with a stored tensor of 24x16" in left.reason
    assert not any(host.operator.startswith("skipbeat_tests") for host in found.host_operators)


def test_an_operator_of_a_stranger_on_two_activations_is_named() -> None:
    found = describe(Function(stranger), r(8, 16), r(4, 16))
    assert [each.reason for each in found.unpriced] == [
        "an operator that is not known, with two activations that it may multiply"
    ]


@pytest.mark.parametrize(
    ("function", "weights", "reason"),
    [
        (lambda x, w: torch.view_as_complex(x.reshape(8, 8, 2)) @ w, [torch.ones(8, 4, dtype=torch.cfloat)], "complex"),
        (lambda x, w: torch.addbmm(x.new_zeros(4, 3), x.view(2, 4, 16), w), [torch.ones(2, 16, 3)], "not known"),
        (lambda x, w: torch.einsum("ab,bc,cd->ad", x, w, w.t()), [torch.ones(16, 3)], None),
    ],
)
def test_products_of_other_forms_are_named(
    function: Callable[..., Tensor], weights: list[Tensor], reason: str | None
) -> None:
    found = describe(Function(function, **{f"w{i}": weight for i, weight in enumerate(weights)}), r(8, 16))
    assert [each.reason for each in found.unpriced if reason is None or reason in each.reason] == [
        each.reason for each in found.unpriced
    ]
    assert bool(found.unpriced) == (reason is not None)


#: Work of other kinds, which must not be told as products.
OTHER: tuple[Any, ...] = (
    lambda x, w: functional.grid_sample(x[None, None], w[None, :4, :2, None].expand(1, 4, 2, 2)),
    lambda x, w: torch.cdist(x, w),
    lambda x, w: functional.interpolate(x[None, None], scale_factor=2, mode="bicubic"),
    lambda x, w: torch.where(x > w, x, w).sort(-1).values.cumsum(0),
    lambda x, w: x.index_add(0, torch.arange(8), w).scatter(1, x.argsort(-1), w),
    lambda x, w: functional.embedding(x.argsort(-1) % 8, w).mean(1) + torch.fft.rfft(x).abs()[:, :1],
    lambda x, w: functional.unfold(x[None, None], 3) + w.sum(),
    lambda x, w: torch.linalg.qr(x)[0] + w[:, :8],
    lambda x, w: functional.group_norm(functional.pad(x[None], [1, 1], "reflect"), 2) + w.max(),
)


@pytest.mark.parametrize("function", OTHER)
def test_other_work_is_not_told_as_a_product(function: Callable[..., Tensor]) -> None:
    found = describe(nn.Sequential(nn.Linear(16, 16), Function(function, w=r(8, 16))), r(8, 16))
    assert found.unpriced == ()
    assert [layer.name for layer in found.layers] == ["0"]
