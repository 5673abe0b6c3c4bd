"""One-shot magnitude pruning: the smallest weights go, without retraining.

Unstructured: Han et al., "Learning both Weights and Connections for Efficient Neural Networks", NIPS 2015
(arXiv:1506.02626), which drops the weights below a threshold; here the threshold is each layer's own, and such that
its density is met. N:M: Mishra et al., "Accelerating Sparse Deep Neural Networks", arXiv:2104.08378, section 4, which
keeps the two largest magnitudes of every four; here the N largest of every M. Blocks: see `block`.
"""

from __future__ import annotations

import torch
from torch import nn

from skipbeat_arch.workload import ReductionOrder

from ..scheme import Plan
from .block import BLOCK
from .layers import Flattened, groupings


def magnitude_masks(
    model: nn.Module,
    plan: Plan,
    *,
    order: ReductionOrder = "kh,kw,cin",
    block: tuple[int, int] = BLOCK,
    flattened: Flattened | None = None,
) -> dict[str, torch.Tensor]:
    """For each layer that the plan prunes, its name and a bool mask in its weight's shape.

    Raises:
        InputError: a glob that matches no layer, an unknown order, or a weight that is not finite.
    """
    layers = groupings(model, plan, order, flattened)
    return {name: grouping.mask(layer.weight, block) for name, (layer, grouping) in layers.items()}


def prune_by_magnitude(
    model: nn.Module, plan: Plan, *, order: ReductionOrder = "kh,kw,cin", flattened: Flattened | None = None
) -> None:
    """Set to zero, in place, the weights that `magnitude_masks` drops: no more than a part of a mask is there at once.

    Raises:
        InputError: as for `magnitude_masks`.
    """
    for layer, grouping in groupings(model, plan, order, flattened).values():
        grouping.prune(layer.weight)
