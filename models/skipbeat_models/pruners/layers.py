"""The layers of a module that can be pruned, and the pattern that a scheme has for each."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import ReductionOrder

from ..masks import Weight, prune_mask
from ..reduction import reduction_matrix, weight_from_matrix
from ..scheme import Plan, Scheme
from .block import BLOCK, Mask

Prunable = nn.Linear | nn.Conv2d


def prunable_layers(model: nn.Module) -> dict[str, Prunable]:
    """The Linear and Conv2d modules of a model by name, in the order in which they were registered."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Prunable)}


def layer_kind(layer: Prunable) -> LayerKind:
    """What a layer is: linear, or a convolution that is ordinary, grouped or depthwise."""
    if isinstance(layer, nn.Linear):
        return LayerKind.LINEAR
    if layer.groups == 1:
        return LayerKind.CONVOLUTION
    return LayerKind.DEPTHWISE if layer.groups == layer.in_channels else LayerKind.GROUPED


def patterns(model: nn.Module, plan: Plan) -> dict[str, tuple[Prunable, Pattern]]:
    """The layers that a plan prunes, by name, each with its pattern.

    Raises:
        InputError: a glob of the scheme matches no layer.
    """
    scheme = Scheme.of(plan)
    layers = prunable_layers(model)
    scheme.check(layers)
    first = next((name for name, layer in layers.items() if isinstance(layer, nn.Conv2d)), None)
    chosen = {
        name: (layer, scheme.pattern(name, layer_kind(layer), first=name == first)) for name, layer in layers.items()
    }
    return {name: (layer, pattern) for name, (layer, pattern) in chosen.items() if pattern is not None}


def weight_mask(
    weight: torch.Tensor, pattern: Pattern, order: ReductionOrder = "kh,kw,cin", block: tuple[int, int] = BLOCK
) -> torch.Tensor:
    """`prune_mask` of a Linear's or Conv2d's weight, or of a score of its shape: bool in that shape.

    In the order `kh,kw,cin`, a C_in that is a multiple of M gives groups along the input channels within one kernel
    tap; otherwise a group runs over into the next tap.

    Raises:
        InputError: an element is not finite, or the order is unknown.
    """
    return mask_in_shape(prune_mask(matrix_of(weight, order), pattern, block), weight, order)


def matrix_of(weight: torch.Tensor, order: ReductionOrder) -> Weight:
    """The reduction form [C, K] of a weight as an array; a float of 16 bits becomes one of 32."""
    matrix = reduction_matrix(weight.detach(), order).cpu()
    array: Weight = (matrix.float() if matrix.dtype in (torch.bfloat16, torch.float16) else matrix).numpy()
    return array


def mask_in_shape(mask: Mask, weight: torch.Tensor, order: ReductionOrder) -> torch.Tensor:
    """The mask of a reduction matrix [C, K] in the weight's own shape, on its device."""
    tensor = torch.from_numpy(mask).to(weight.device)
    return weight_from_matrix(tensor, tuple(weight.shape), order)


def apply_masks(model: nn.Module, masks: Mapping[str, torch.Tensor]) -> None:
    """Set to zero, in place, the weights that the masks drop.

    Raises:
        InputError: a mask for a layer that the model does not have, or of another shape.
    """
    layers = prunable_layers(model)
    for name, mask in masks.items():
        if name not in layers or layers[name].weight.shape != mask.shape:
            raise InputError(f"mask {name!r} of shape {tuple(mask.shape)}: the model has no such layer and shape")
    with torch.no_grad():
        for name, mask in masks.items():
            layers[name].weight.masked_fill_(~mask, 0)
