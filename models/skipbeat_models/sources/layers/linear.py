"""Layers that are matrix products: with a stored weight, or of two activations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind, LayerPart, ModelLayer
from skipbeat_arch.workload import Gemm

from ...weight_zeros import dense_zeros
from ..pruned_weights.weight_arrays import Weight
from ..pruned_weights.zeros import DENSE, ZeroReader
from .convolutions import ConvolutionPart


def linear_layer(
    zeros: ZeroReader,
    name: str,
    *,
    p: int,
    c: int,
    k: int,
    read: Callable[[], torch.Tensor],
    steps: int = 1,
    kept: bool = False,
    count: int = 1,
) -> ModelLayer:
    """`steps` products [P, C] x [C, K], one after the other, with each of `count` stored weights.

    Args:
        read: the weight [K, C]; of several, such as those of a mixture of experts, [count, K, C].
        kept: whether nothing runs between two products.

    Raises:
        InputError: a size of zero, or a weight of another shape or with values that are not finite.
    """
    _check(name, count, steps, p, c, k)

    def one(index: int) -> torch.Tensor:
        return _stack(read(), name, count)[index][None, ..., None, None]

    found = [
        zeros.measure(Weight(name=name, kind=LayerKind.LINEAR, shape=(1, k, c, 1, 1), read=partial(one, index)))
        for index in range(count)
    ]
    work = Gemm(p=p, c=c, k=k)
    times = "" if steps * count == 1 else f", {steps * count} times"
    return ModelLayer(
        name=name,
        kind=LayerKind.LINEAR,
        shape=f"{k}x{c} on {p}{times}",
        parts=tuple(
            LayerPart(workload=work, weight=each.parts[0], repeats=steps, in_turn=steps > 1, kept=kept and steps > 1)
            for each in found
        ),
        pattern=max((each.pattern for each in found), key=lambda pattern: pattern.density),
        density=sum(each.density for each in found) / count,
    )


def matmul_layer(name: str, *, p: int, c: int, k: int, repeats: int) -> ModelLayer:
    """`repeats` products [P, C] x [C, K] of two activations, which are dense.

    Raises:
        InputError: a size of zero.
    """
    _check(name, 1, repeats, p, c, k)
    times = "" if repeats == 1 else f", {repeats} times"
    part = LayerPart(workload=Gemm(p=p, c=c, k=k), weight=dense_zeros((c, k)), repeats=repeats)
    return ModelLayer(
        name=name,
        kind=LayerKind.MATMUL,
        parts=(part,),
        shape=f"{p}x{c} by {c}x{k}{times}",
        pattern=DENSE,
        density=1.0,
        stored=False,
    )


def convolution_of_activations(
    name: str, kind: LayerKind, shape: tuple[int, int, int, int, int], parts: Sequence[ConvolutionPart], sizes: str
) -> ModelLayer:
    """A convolution whose weight follows from activations, so that it is dense.

    Args:
        shape: of the weight, [groups, K / groups, C / groups, kh, kw].
        sizes: for a reader.
    """
    groups, outputs, inputs, *_ = shape
    matrices = [(groups, inputs * len(rows) * len(cols), outputs) for rows, cols in (part.taps for part in parts)]
    return ModelLayer(
        name=name,
        kind=kind,
        parts=tuple(
            LayerPart(workload=part.workload, weight=dense_zeros(matrix if groups > 1 else matrix[1:]), met=part.met)
            for part, matrix in zip(parts, matrices, strict=True)
        ),
        shape=sizes,
        pattern=DENSE,
        density=1.0,
        stored=False,
    )


def _stack(weights: torch.Tensor, name: str, count: int) -> torch.Tensor:
    """The weights as [count, K, C]; one alone may come as [K, C]."""
    shape = tuple(weights.shape)
    stack = weights[None] if count == 1 and len(shape) == 2 else weights
    if stack.dim() != 3 or len(stack) != count:
        expected = "two dimensions" if count == 1 else f"{count} weights of two dimensions"
        raise InputError(f"layer {name}: its weight has shape {shape}; expected {expected}")
    return stack


def _check(name: str, count: int, repeats: int, p: int, c: int, k: int) -> None:
    if 0 in (count, repeats, p, c, k):
        raise InputError(f"layer {name}: a product of {p}x{c} by {c}x{k} has no elements")
