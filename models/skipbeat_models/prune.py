"""Magnitude pruning of any module along the reduction axis: N:M, unstructured or in blocks.

Layers are pruned on their reduction matrix W[C,K] (`reduction_matrix`). Groups are runs of M rows of one column.
In the order `kh,kw,cin`, a C_in that is a multiple of M gives groups along the input channels within one kernel
tap; otherwise a group runs over into the next tap. The last group is shorter when M does not divide C.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import ReductionOrder

from .reduction import reduction_matrix, weight_from_matrix

Prunable = nn.Linear | nn.Conv2d
DensePolicy = Callable[[nn.Module], Collection[str]]

#: Rows and columns of a block of the pattern `block:DENSITY`: one tile of a 16x16 array with M = 4.
BLOCK = (64, 16)


def prunable_layers(model: nn.Module) -> dict[str, Prunable]:
    """The Linear and Conv2d modules of a model by name, in the order in which they were registered."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Prunable)}


def first_and_depthwise(model: nn.Module) -> frozenset[str]:
    """The usual layers to leave dense: the first convolution and all depthwise convolutions.

    Both have a short reduction axis (9 to 27 elements) and few weights, so pruning them costs accuracy and saves
    little. On an array the few elements spread over the rows, one per PE, which is as fast as pruning.
    """
    convolutions = {name: m for name, m in prunable_layers(model).items() if isinstance(m, nn.Conv2d)}
    depthwise = {name for name, m in convolutions.items() if m.groups > 1 and m.groups == m.in_channels}
    return frozenset(depthwise | set(list(convolutions)[:1]))


def layers_to_prune(model: nn.Module, dense: DensePolicy | Collection[str]) -> dict[str, Prunable]:
    """The prunable layers without those that `dense` names (or chooses, when it is a policy function).

    Raises:
        InputError: `dense` names a layer that is not a Linear or Conv2d of the model.
    """
    layers = prunable_layers(model)
    left_dense = dense(model) if callable(dense) else dense
    for name in left_dense:
        if name not in layers:
            raise InputError(f"layer {name!r} to leave dense: expected one of {', '.join(layers) or 'none'}")
    return {name: layer for name, layer in layers.items() if name not in left_dense}


def magnitude_mask(matrix: torch.Tensor, pattern: Pattern, block: tuple[int, int] = BLOCK) -> torch.Tensor:
    """Which elements of a reduction matrix [C, K] stay, bool [C, K]; ties go to the lower row.

    - `dense`: all.
    - `nm`: the N largest magnitudes of each group of M rows (all of a last group of N or fewer).
    - `unstructured`: the largest magnitudes of the whole matrix, as many as the density asks for.
    - `block`: the blocks of `block` rows and columns with the largest mean square.

    The last two keep round(density * count) elements or blocks, and at least one unless the density is 0.

    Raises:
        InputError: the matrix has no elements, or one that is not finite.
    """
    if matrix.dim() != 2 or matrix.numel() == 0 or not bool(torch.isfinite(matrix).all()):
        raise InputError(f"weight of shape {tuple(matrix.shape)}: expected a matrix of finite numbers")
    values = matrix.detach()
    magnitude = (values if values.is_floating_point() else values.to(torch.float64)).abs()
    if pattern.kind == "dense":
        return torch.ones_like(magnitude, dtype=torch.bool)
    if pattern.kind == "nm":
        grouped = _grouped(magnitude, pattern.m, fill=-1.0)
        return _largest(grouped, pattern.n).reshape(-1, matrix.shape[1])[: matrix.shape[0]]
    if pattern.kind == "unstructured":
        return _largest(magnitude.reshape(1, -1, 1), _kept(pattern, magnitude.numel())).reshape(matrix.shape)
    return _block_mask(magnitude, pattern, block)


def _grouped(matrix: torch.Tensor, m: int, fill: float) -> torch.Tensor:
    """[C, K] as [groups, M, K], the last group filled up with `fill`."""
    missing = -matrix.shape[0] % m
    padded = nn.functional.pad(matrix, (0, 0, 0, missing), value=fill)
    return padded.reshape(-1, m, matrix.shape[1])


def _largest(magnitude: torch.Tensor, count: int) -> torch.Tensor:
    """Mask of the `count` largest along axis 1 of a 3-D tensor, ties to the lower index."""
    ranking = torch.argsort(magnitude, dim=1, descending=True, stable=True)[:, :count]
    return torch.zeros_like(magnitude, dtype=torch.bool).scatter_(1, ranking, True)


def _kept(pattern: Pattern, count: int) -> int:
    return max(1, round(pattern.density * count)) if pattern.density > 0 else 0


def _block_mask(magnitude: torch.Tensor, pattern: Pattern, block: tuple[int, int]) -> torch.Tensor:
    rows, cols = magnitude.shape
    down, across = -(-rows // block[0]), -(-cols // block[1])
    row_block = torch.arange(rows) // block[0]
    col_block = torch.arange(cols) // block[1]
    position = (row_block[:, None] * across + col_block).reshape(-1)
    energy = magnitude.new_zeros(down * across).index_add_(0, position, magnitude.square().reshape(-1))
    mean_square = energy / torch.bincount(position)
    kept = _largest(mean_square.reshape(1, -1, 1), _kept(pattern, down * across)).reshape(-1)
    return kept[position].reshape(rows, cols)


def weight_mask(
    weight: torch.Tensor, pattern: Pattern, order: ReductionOrder = "kh,kw,cin", block: tuple[int, int] = BLOCK
) -> torch.Tensor:
    """`magnitude_mask` of a Linear's or Conv2d's weight, in the weight's own shape."""
    mask = magnitude_mask(reduction_matrix(weight, order), pattern, block)
    return weight_from_matrix(mask, tuple(weight.shape), order)


def prune_masks(
    model: nn.Module,
    pattern: Pattern,
    *,
    order: ReductionOrder = "kh,kw,cin",
    dense: DensePolicy | Collection[str] = first_and_depthwise,
    block: tuple[int, int] = BLOCK,
) -> dict[str, torch.Tensor]:
    """One-shot magnitude masks: for each layer that is pruned, its name and a bool mask in its weight's shape.

    Args:
        dense: names of the layers to leave dense, or a function that chooses them; `()` prunes all.

    Raises:
        InputError: unknown order, unknown layer in `dense`, or a weight that is not finite.
    """
    layers = layers_to_prune(model, dense)
    return {name: weight_mask(layer.weight, pattern, order, block) for name, layer in layers.items()}


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


def measure(matrix: torch.Tensor, m: int) -> int:
    """N of a reduction matrix [C, K] for groups of `m` rows: the nonzeros of its fullest group, 0..m."""
    if m < 1:
        raise InputError(f"group size must be at least 1, not {m}")
    return int(_grouped((matrix != 0).to(torch.int64), m, fill=0).sum(dim=1).max())
