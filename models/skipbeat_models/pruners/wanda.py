"""Wanda: one-shot pruning by weights and activations, with a few calibration inputs and no retraining.

Sun, Liu, Bair and Kolter, "A Simple and Effective Pruning Approach for Large Language Models", ICLR 2024
(arXiv:2306.11695), equation 1: the score of the weight from input j to output i is

    S[i, j] = |W[i, j]| * ||X[j]||_2

where X[j] is everything that input j was over all calibration tokens. Weights are compared within one output (for
N:M, within its groups). The paper prunes transformers' linear layers block after block, each with the inputs that the
pruned ones before it give; here one pass of the dense model measures all layers. For a convolution, input j is one
channel seen through one kernel tap, so its norm is over all positions of that tap, padding included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import ReductionOrder

from ..masks import fan_in_mask
from ..scheme import Plan
from .block import BLOCK
from .group_windows import taps
from .layers import Flattened, Prunable, groupings

#: Inputs of the model, one call each: a tensor, or the tuple of all positional arguments.
Calibration = Iterable[torch.Tensor | tuple[torch.Tensor, ...]]


def wanda_masks(
    model: nn.Module,
    plan: Plan,
    calibration: Calibration,
    *,
    order: ReductionOrder = "kh,kw,cin",
    block: tuple[int, int] = BLOCK,
    flattened: Flattened | None = None,
) -> dict[str, torch.Tensor]:
    """For each layer that the plan prunes, its name and a bool mask in its weight's shape.

    `unstructured:D` keeps the round(D * C) best scores of each output, blocks are those of largest mean square score.

    Raises:
        InputError: a layer that the calibration data never reach, a glob that matches no layer, inputs or weights that
            are not finite, or a convolution that does not pad with zeros.
    """
    layers = groupings(model, plan, order, flattened)
    norms = input_norms(model, {name: layer for name, (layer, _) in layers.items()}, calibration)
    masks = {}
    for name, (layer, grouping) in layers.items():
        score = layer.weight.detach().abs() * norms[name].to(layer.weight.dtype)
        masks[name] = grouping.in_shape(fan_in_mask(grouping.matrix(score), grouping.pattern, block), layer.weight)
    return masks


def input_norms(model: nn.Module, layers: dict[str, Prunable], calibration: Calibration) -> dict[str, torch.Tensor]:
    """||X||_2 of each weight's input, float64, in a shape that multiplies the weight's: [1, C] or [K, C, kh, kw].

    Raises:
        InputError: no calibration data, or a layer that they never reach.
    """
    squares: dict[str, torch.Tensor] = {}
    handles = [layer.register_forward_pre_hook(_adder(name, layer, squares)) for name, layer in layers.items()]
    calls = 0
    try:
        with torch.no_grad(), _evaluation(model):
            for inputs in calibration:
                model(*inputs) if isinstance(inputs, tuple) else model(inputs)
                calls += 1
    finally:
        for handle in handles:
            handle.remove()
    for name in layers:
        if name not in squares:
            reason = "never reach it" if calls else "are empty"
            raise InputError(f"layer {name!r}: expected calibration data that pass through it, but they {reason}")
    return {name: total.sqrt() for name, total in squares.items()}


def _adder(
    name: str, layer: Prunable, squares: dict[str, torch.Tensor]
) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
    def add(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        squares[name] = squares.get(name, torch.zeros(())) + input_squares(name, layer, inputs[0])

    return add


def input_squares(name: str, layer: Prunable, x: torch.Tensor) -> torch.Tensor:
    """||X[j]||² of one call: [1, C] of x [..., C] of a linear layer, else [K, C / groups, kh, kw] of x [N, C, H, W]."""
    square = x.detach().to(torch.float64).square()
    if isinstance(layer, nn.Linear):
        return square.reshape(-1, square.shape[-1]).sum(dim=0, keepdim=True)
    total = square.new_zeros(layer.in_channels, *layer.kernel_size)
    for i, j, seen in taps(name, layer, square.reshape(-1, *square.shape[-3:])):
        total[:, i, j] = seen.sum(dim=(0, 2, 3))
    grouped = total.reshape(layer.groups, -1, *layer.kernel_size)
    return grouped.repeat_interleave(layer.out_channels // layer.groups, dim=0)


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; each module goes back to the mode that it was in."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
