"""BDWP, bidirectional weight pruning: training in which the forward and the backward pass both skip zeros.

Fang, Sun, Zhou and Wang, "Efficient N:M Sparse DNN Training Using Algorithm, Architecture, and Dataflow Co-Design",
IEEE Transactions on Computer-Aided Design of Integrated Circuits and Systems, 2024 (arXiv:2309.13015). Each pass
groups the weights along its own reduction axis, anew in every step from the magnitudes of the dense weights W:

    forward            Y  = X · (W ⊙ M_ff)        N:M along the input channels
    backward           dX = dY · (W ⊙ M_bp)ᵀ      N:M along the output channels
    weight update      dW = Xᵀ · dY               dense, and applied to the dense W

These are the equations used here. They could not be compared with the paper's: only its abstract was reachable, which
says neither how the masks are chosen nor whether masked weights decay. Momentum and weight decay are the optimiser's.
The weight's gradient can be estimated without bias from a pruned dY, as `mvue` does. The network that remains is the
forward one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.nn.grad import conv2d_input, conv2d_weight

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern

from ..scheme import Plan
from .group_windows import zero_padding
from .layers import Grouping, Prunable, groupings

#: What takes the place of a gradient, such as `mvue.keep_unbiased` of it.
Estimate = Callable[[torch.Tensor], torch.Tensor]

_DENSE = Pattern("dense")

#: torch ships these without types.
_conv2d_input: Callable[..., torch.Tensor] = conv2d_input
_conv2d_weight: Callable[..., torch.Tensor] = conv2d_weight


def forward_mask(weight: torch.Tensor, pattern: Pattern) -> torch.Tensor:
    """M_ff of a weight [K, C] or [K, C / groups, kh, kw], in its shape: groups along C, within one kernel tap."""
    return Grouping(pattern).mask(weight)


def backward_mask(weight: torch.Tensor, pattern: Pattern, groups: int = 1) -> torch.Tensor:
    """M_bp of a weight [K, C] or [K, C / groups, kh, kw], in its shape: groups along K of one channel group."""
    turned = torch.cat([part.transpose(0, 1) for part in weight.detach().chunk(groups)])  # [C, K / groups, kh, kw]
    mask = forward_mask(turned, pattern)
    return torch.cat([part.transpose(0, 1) for part in mask.chunk(groups)])


@contextmanager
def bidirectional_training(
    model: nn.Module, plan: Plan, *, backward: Plan | None = None, estimate: Estimate = torch.clone
) -> Iterator[None]:
    """Inside, the model trains by BDWP; afterwards its weights are plain and satisfy the forward patterns.

    Args:
        plan: the patterns of the forward pass.
        backward: those of the backward pass; None: the same. A layer that one leaves alone is dense in that pass.
        estimate: what is taken for dY [N, K, ...] of N images or rows in the weight's gradient of these layers.

    Raises:
        InputError: a pattern that is not N:M, a convolution that does not pad with a number of zeros, or a glob that
            matches no layer.
    """
    ahead = groupings(model, plan)
    back = ahead if backward is None else groupings(model, backward)
    layers: dict[str, tuple[Prunable, _Patterns]] = {}
    for name, (layer, grouping) in {**ahead, **back}.items():
        if grouping.pattern.kind != "nm":
            raise InputError(f"layer {name!r}: BDWP takes N:M patterns, not {grouping.pattern}")
        if isinstance(layer, nn.Conv2d):
            zero_padding(name, layer)
        patterns = [found[name][1].pattern if name in found else _DENSE for found in (ahead, back)]
        layers[name] = layer, _Patterns(*patterns)
    for layer, pair in layers.values():
        vars(layer)["forward"] = _forward(layer, pair, estimate)  # hides the class's method until it is removed
    try:
        yield
    finally:
        with torch.no_grad():
            for layer, pair in layers.values():
                del vars(layer)["forward"]
                layer.weight.masked_fill_(~forward_mask(layer.weight, pair.forward), 0)


@dataclass(frozen=True)
class _Patterns:
    forward: Pattern
    backward: Pattern


def _forward(layer: Prunable, patterns: _Patterns, estimate: Estimate) -> Callable[[torch.Tensor], torch.Tensor]:
    product = _product_of(layer, estimate)

    def forward(x: torch.Tensor) -> torch.Tensor:
        ahead = forward_mask(layer.weight, patterns.forward)
        trains = torch.is_grad_enabled()
        back = backward_mask(layer.weight, patterns.backward, product.groups) if trains else ahead
        y = _bidirectional(x, layer.weight, ahead, back, product)
        if layer.bias is None:
            return y
        return y + (layer.bias if isinstance(layer, nn.Linear) else layer.bias[:, None, None])

    return forward


@dataclass(frozen=True, kw_only=True)
class _Product:
    """A layer's bilinear map of input and weight, and its two derivatives."""

    forward: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    to_input: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
    to_weight: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
    groups: int = 1


def _product_of(layer: Prunable, estimate: Estimate) -> _Product:
    """The functions take x, w and the gradient g of their product, as far as they need them."""
    if isinstance(layer, nn.Linear):
        return _Product(
            forward=nn.functional.linear,
            to_input=lambda x, w, g: g @ w,
            to_weight=lambda x, w, g: estimate(g).reshape(-1, g.shape[-1]).t() @ x.reshape(-1, x.shape[-1]),
        )
    stride, padding, dilation = layer.stride, zero_padding("", layer), layer.dilation
    groups = layer.groups

    def forward(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(x, w, None, stride, padding, dilation, groups)

    def to_input(x: torch.Tensor, w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        return _conv2d_input(x.shape, w, g, stride, padding, dilation, groups)

    def to_weight(x: torch.Tensor, w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        return _conv2d_weight(x, w.shape, estimate(g), stride, padding, dilation, groups)

    return _Product(forward=forward, to_input=to_input, to_weight=to_weight, groups=groups)


class _Context(Protocol):
    """What autograd offers to a function between forward and backward."""

    saved_tensors: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    needs_input_grad: tuple[bool, ...]
    product: _Product

    def save_for_backward(self, *tensors: torch.Tensor) -> None: ...


class _Bidirectional(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: _Context, x: torch.Tensor, weight: torch.Tensor, ahead: torch.Tensor, back: torch.Tensor, product: _Product
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight, back)
        ctx.product = product
        return product.forward(x, weight.masked_fill(~ahead, 0))

    @staticmethod
    def backward(ctx: _Context, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, None, None, None]:
        x, weight, back = ctx.saved_tensors
        pruned = weight.masked_fill(~back, 0)
        to_input = ctx.product.to_input(x, pruned, gradient) if ctx.needs_input_grad[0] else None
        return to_input, ctx.product.to_weight(x, weight, gradient), None, None, None


_bidirectional: Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, _Product], torch.Tensor] = (
    _Bidirectional.apply
)
