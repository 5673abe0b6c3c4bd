"""Nothing that multiplies is lost without a word: it is priced where its mathematics is known, and named where not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention.flex_attention import flex_attention
from torch.sparse import SparseSemiStructuredTensorCUSPARSELT, SparseSemiStructuredTensorCUTLASS
from torch.sparse import _semi_structured_conversions as conversions

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import ModelDescription
from skipbeat_models.alone import without_warnings
from skipbeat_models.sources import load_source

from .described import Function, describe

Tensor = torch.Tensor


@torch.library.custom_op("skipbeat_tests::stranger", mutates_args=())
def stranger(x: Tensor, w: Tensor) -> Tensor:
    """A product that nobody has told us about."""
    return x @ w.t()


@stranger.register_fake
def _(x: Tensor, w: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], w.shape[0])


@torch.library.custom_op("skipbeat_tests::into", mutates_args=("out",))
def into(x: Tensor, w: Tensor, out: Tensor) -> None:
    """A product that is written into an operand."""
    out.copy_(x @ w.view(16, -1))


@into.register_fake
def _(x: Tensor, w: Tensor, out: Tensor) -> None:
    return None


def _into(x: Tensor, w: Tensor) -> Tensor:
    out = x.new_empty(8, w.numel() // 16)
    torch.ops.skipbeat_tests.into(x, w, out)
    return out


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


def _bilinear(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return functional.bilinear(x, torch.cat([x, x[:, :8]], 1), w, b)


#: A function of an input and weights, its input's shape, the weights' shapes, and its multiply-accumulates.
PRICED: dict[str, tuple[Callable[..., Tensor], tuple[int, ...], list[tuple[int, ...]], int]] = {
    "ellipsis": (lambda x, w: torch.einsum("...ts,sj->...tj", x, w), (2, 10, 16), [(16, 8)], 2 * 10 * 16 * 8),
    "ellipses": (lambda x, w: torch.einsum("b...s,...sj->b...j", x, w), (2, 3, 16), [(3, 16, 8)], 2 * 3 * 16 * 8),
    "no result": (lambda x, w: torch.einsum("ts,sj", x, w), (10, 16), [(16, 8)], 10 * 16 * 8),
    "vmap": (_mapped, (3, 16), [(5, 8, 16), (5, 8)], 5 * 3 * 8 * 16),
    "bilinear": (_bilinear, (5, 16), [(8, 16, 24), (8,)], 16 * 24 * 8 * 5 + 24 * 8 * 5),
    "integers": (lambda x, w: torch._int_mm(x.to(torch.int8), w.to(torch.int8)), (32, 16), [(16, 8)], 32 * 16 * 8),
    "stretched": (lambda x, w: torch.bmm(x, w[None].expand(4, 16, 8)), (4, 3, 16), [(16, 8)], 4 * 3 * 16 * 8),
    "activation and sum": (lambda x, w, b: torch._addmm_activation(b, x, w), (3, 16), [(16, 8), (8,)], 3 * 16 * 8),
    "planes": (lambda x, w: functional.conv3d(x, w, padding=1), (1, 3, 4, 5, 6), [(8, 3, 3, 3, 3)], 120 * 8 * 81),
    "groups of planes": (lambda x, w: functional.conv3d(x, w, groups=2), (1, 4, 4, 5, 6), [(6, 2, 2, 1, 1)], 720 * 3),
    "planes back": (
        lambda x, w: functional.conv_transpose3d(x, w, stride=2),
        (1, 4, 2, 3, 3),
        [(4, 6, 2, 2, 2)],
        18 * 4 * 6 * 8,
    ),
    "kernel of activations": (
        lambda x, w: functional.conv2d(x, w * x.mean(), groups=2, padding=1),
        (1, 4, 5, 5),
        [(6, 2, 3, 3)],
        25 * 6 * 18,
    ),
    "single key": (lambda x, w: (x @ (w @ x[:, :1])).softmax(-1), (16, 16), [(16, 16)], 16 * 16 + 16 * 16),
    "outer": (lambda x, w: torch.addmm(x.new_zeros(8, 6), x, w), (8, 1), [(1, 6)], 8 * 6),
    "vectors": (torch.dot, (16,), [(16,)], 16),
    "attention without heads": (
        lambda x, w: functional.scaled_dot_product_attention(x, w, w),
        (8, 16),
        [(4, 16)],
        1024,
    ),
    "solved": (lambda x, w: functional.linear(x, torch.linalg.solve(w, torch.eye(16))), (8, 16), [(16, 16)], 8 * 256),
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
        (lambda x, w: (x[:, None] * w).sum(-1), [torch.ones(3, 16)], "a multiplication and a sum"),
        (lambda x, w: (x[:, None] * w).mean(-1), [torch.ones(3, 16)], "a multiplication and a sum"),
        (_into, [torch.ones(16, 4)], "not known"),
        (_into, [torch.ones(64)], "a stored tensor of 64"),
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
    lambda x, w: x - (x * w[0, :8, None]).sum(-1, keepdim=True) + (w * w).sum(),
    lambda x, w: functional.interpolate(x[None, None], scale_factor=2, mode="bicubic"),
    lambda x, w: torch.where(x > w, x, w).sort(-1).values.cumsum(0),
    lambda x, w: x.index_add(0, torch.arange(8), w).scatter(1, x.argsort(-1), w),
    lambda x, w: functional.embedding(x.argsort(-1) % 8, w).mean(1),
    lambda x, w: functional.unfold(x[None, None], 3) + w.sum(),
    lambda x, w: functional.group_norm(functional.pad(x[None], [1, 1], "reflect"), 2) + w.max(),
)


@pytest.mark.parametrize("function", OTHER)
def test_other_work_is_not_told_as_a_product(function: Callable[..., Tensor]) -> None:
    found = describe(nn.Sequential(nn.Linear(16, 16), Function(function, w=r(8, 16))), r(8, 16))
    assert found.unpriced == ()
    assert [layer.name for layer in found.layers] == ["0"]


def test_a_weight_that_is_stretched_over_a_batch_is_loaded_once() -> None:
    (layer,) = describe(Function(lambda x, w: torch.bmm(x, w[None].expand(4, 16, 8)), w=r(16, 8)), r(4, 3, 16)).layers
    assert (layer.shape, len(layer.parts), layer.parts[0].repeats) == ("8x16 on 12", 1, 1)


def test_attention_costs_the_same_after_it_is_decomposed(tmp_path: Path) -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.MultiheadAttention(16, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return cast(Tensor, self.a(x, x, x, need_weights=False)[0])

    program = torch.export.export(Attention().eval(), (r(2, 9, 16),))
    torch.export.save(program, tmp_path / "whole.pt2")
    with without_warnings():
        torch.export.save(program.run_decompositions(), tmp_path / "core.pt2")
    whole, core = (load_source(str(tmp_path / f"{name}.pt2")) for name in ("whole", "core"))

    def parts(found: ModelDescription) -> list[tuple[object, int]]:
        return [(part.workload, part.repeats) for layer in found.layers for part in layer.parts]

    assert parts(core) == parts(whole)
    assert [run.repeats for run in core.runs] == [run.repeats for run in whole.runs]


def test_weights_stored_by_their_nonzero_values() -> None:
    weight = r(32, 64)
    weight[:, 1::2] = 0
    with without_warnings():  # of a layout that may change
        stored = weight.to_sparse_csr()
    (layer,) = describe(_Sparse(stored), r(8, 64)).layers
    assert (layer.kind, str(layer.pattern), layer.macs_dense) == ("linear", "2:4", 8 * 32 * 64)


def test_semi_structured_weights() -> None:
    weight = torch.zeros(64, 32, 4, dtype=torch.half)
    weight[..., 1::2] = r(64, 32, 2).sign().half()
    weight = weight.view(64, 128)
    packed: Callable[..., tuple[Tensor, Tensor]] = conversions.sparse_semi_structured_from_dense_cutlass
    values, places = packed(weight)
    rest: dict[str, Any] = {"packed_t": None, "meta_t": None, "compressed_swizzled_bitmask": None}
    with without_warnings():  # of an interface that may change
        stored = SparseSemiStructuredTensorCUTLASS(weight.shape, packed=values, meta=places, **rest)
        other = SparseSemiStructuredTensorCUSPARSELT(weight.shape, packed=values.flatten(), meta=None, **rest)
        (layer,) = describe(_Sparse(stored), torch.zeros(8, 128, dtype=torch.half)).layers
        assert (str(layer.pattern), layer.density, layer.macs_dense) == ("2:4", 0.5, 8 * 64 * 128)
        assert np.array_equal(layer.parts[0].weight.nonzero(), weight.t() != 0)
        with pytest.raises(InputError, match=r"which only a GPU unpacks; save its to_dense\(\)"):
            describe(_Sparse(other), torch.zeros(8, 128, dtype=torch.half))


class _Sparse(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("w", weight)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.get_buffer("w"))
