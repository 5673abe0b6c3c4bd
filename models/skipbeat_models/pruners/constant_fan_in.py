"""Constant fan-in: every output keeps the same number of weights, wherever they lie.

Lasby, Golubeva, Evci, Nica and Ioannou, "Dynamic Sparse Training with Structured Sparsity", ICLR 2024
(arXiv:2305.02299), call this SRigL: a network that learns its connections under this constraint. Here the constraint
alone is taken: one-shot, the largest magnitudes of each output stay. Their regrowth during training and their ablation
of whole outputs are not part of it.
"""

from __future__ import annotations

import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import ReductionOrder

from ..masks import fan_in_mask
from ..scheme import Plan
from .layers import Flattened, groupings


def constant_fan_in_masks(
    model: nn.Module, plan: Plan, *, order: ReductionOrder = "kh,kw,cin", flattened: Flattened | None = None
) -> dict[str, torch.Tensor]:
    """For each layer that the plan prunes, its name and a bool mask in its weight's shape.

    `unstructured:D` keeps round(D * C) weights of each output, at least one unless D is 0; N:M has a constant fan-in of
    its own.

    Raises:
        InputError: a block pattern, a glob that matches no layer, or a weight that is not finite.
    """
    masks = {}
    for name, (layer, grouping) in groupings(model, plan, order, flattened).items():
        pattern = grouping.pattern
        if pattern.kind == "block":
            raise InputError(f"layer {name!r}: constant fan-in takes N:M or unstructured:DENSITY, not {pattern}")
        masks[name] = grouping.in_shape(fan_in_mask(grouping.matrix(layer.weight), pattern), layer.weight)
    return masks
