"""Pruning a copy of a model in one call, by any of the methods that need no training."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar, get_args

import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import ReductionOrder

from ..scheme import Method, Plan, Scheme
from ..synthetic import synthetic_mask
from .constant_fan_in import constant_fan_in_masks
from .layers import Flattened, apply_masks, groupings
from .magnitude import magnitude_masks
from .wanda import Calibration, wanda_masks

Model = TypeVar("Model", bound=nn.Module)


def prune_model(
    model: Model,
    plan: Plan,
    *,
    method: Method | None = None,
    calibration: Calibration | None = None,
    seed: int = 0,
    order: ReductionOrder = "kh,kw,cin",
    flattened: Flattened | None = None,
) -> Model:
    """A deep copy of a model whose Linear and Conv2d weights are pruned; the model itself is not changed.

    >>> pruned = prune_model(nn.Linear(8, 2, bias=False), "1:4")
    >>> int(torch.count_nonzero(pruned.weight))
    4

    Args:
        plan: `2:4`, `unstructured:0.5`, `block:0.25`, the path of a scheme's YAML file, a `Pattern` or a `Scheme`.
            Unless a scheme names them, the first convolution and depthwise ones are left alone.
        method: `magnitude`, `constant-fan-in`, `wanda` or `random`; None: the scheme's own.
        calibration: inputs of the model for `wanda`: tensors, or tuples of positional arguments.
        seed: of `random`, the baseline that the other methods have to beat.
        order: of the reduction axis of convolutions, along which groups lie.
        flattened: see `flattened_maps`; without it, linear layers are pruned along their inputs as they come.

    Raises:
        InputError: a wrong plan or method, no layer to prune, a glob that matches no layer, missing or useless
            calibration data, or weights that are not finite.
    """
    scheme = Scheme.of(plan)
    chosen = method or scheme.method
    if chosen not in get_args(Method):
        raise InputError(f"pruning method {chosen!r}: expected one of {', '.join(get_args(Method))}")
    copy = deepcopy(model)
    masks = _masks(copy, scheme, chosen, calibration, seed, order, flattened)
    if not masks and scheme != Scheme.of("dense"):
        raise InputError("model: expected a Linear or Conv2d layer that the scheme prunes, but there is none")
    apply_masks(copy, masks)
    return copy


def _masks(
    model: nn.Module,
    scheme: Scheme,
    method: Method,
    calibration: Calibration | None,
    seed: int,
    order: ReductionOrder,
    flattened: Flattened | None,
) -> dict[str, torch.Tensor]:
    if method == "magnitude":
        return magnitude_masks(model, scheme, order=order, flattened=flattened)
    if method == "constant-fan-in":
        return constant_fan_in_masks(model, scheme, order=order, flattened=flattened)
    if method == "random":
        return random_masks(model, scheme, seed, order=order, flattened=flattened)
    if calibration is None:
        raise InputError("pruning method 'wanda': expected calibration data, inputs of the model")
    return wanda_masks(model, scheme, calibration, order=order, flattened=flattened)


def random_masks(
    model: nn.Module, plan: Plan, seed: int, *, order: ReductionOrder = "kh,kw,cin", flattened: Flattened | None = None
) -> dict[str, torch.Tensor]:
    """Masks drawn from the seed, whatever the weights are; each layer gets a seed of its own.

    Raises:
        InputError: a glob that matches no layer.
    """
    masks = {}
    for number, (name, (layer, grouping)) in enumerate(groupings(model, plan, order, flattened).items()):
        shape = (layer.weight[0].numel(), len(layer.weight))
        masks[name] = grouping.in_shape(synthetic_mask(shape, grouping.pattern, seed + number), layer.weight)
    return masks
