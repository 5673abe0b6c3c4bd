"""Training under a sparsity pattern with SR-STE, the sparse-refined straight-through estimator.

Zhou et al., "Learning N:M Fine-grained Structured Sparse Neural Networks From Scratch", ICLR 2021
(arXiv:2102.04010). With mask E(W) chosen anew in every step from the magnitudes of the dense weights W:

    forward            V = E ⊙ W                                     (projection onto the pattern)
    STE update         W ← W - lr g(V)                               (g: gradient of the loss at V)
    SR-STE update      W ← W - lr (g(V) + λ_W (1 - E) ⊙ W)           (decays the weights that are masked)

The last term keeps weights from moving in and out of the mask. The paper trains N:M; the same update is used here
for the unstructured and block patterns, whose masks `prune_mask` chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import nn
from torch.nn.utils import parametrize

from skipbeat_arch.workload import ReductionOrder

from ..scheme import Plan
from .block import BLOCK
from .layers import Flattened, Grouping, groupings

#: λ_W of the paper's ImageNet runs.
MASKED_DECAY = 2e-4


class _Context(Protocol):
    """What autograd offers to a function between forward and backward."""

    saved_tensors: tuple[torch.Tensor, torch.Tensor]
    decay: float

    def save_for_backward(self, *tensors: torch.Tensor) -> None: ...


class _MaskedStraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, weight: torch.Tensor, mask: torch.Tensor, decay: float) -> torch.Tensor:
        ctx.save_for_backward(weight, mask)
        ctx.decay = decay
        return weight.masked_fill(~mask, 0)

    @staticmethod
    def backward(ctx: _Context, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        weight, mask = ctx.saved_tensors
        return gradient + ctx.decay * weight.masked_fill(mask, 0), None, None


_masked_straight_through: Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor] = _MaskedStraightThrough.apply


class SparseWeight(nn.Module):
    """Parametrisation that shows a layer the masked weight and gives the dense one the SR-STE gradient."""

    def __init__(self, grouping: Grouping, decay: float = MASKED_DECAY, block: tuple[int, int] = BLOCK) -> None:
        super().__init__()
        self.grouping = grouping
        self.decay = decay
        self.block = block

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """The weight with its masked elements at zero, same shape."""
        mask = self.grouping.mask(weight, self.block)
        return _masked_straight_through(weight, mask, self.decay)


@contextmanager
def sparse_training(
    model: nn.Module,
    plan: Plan,
    *,
    order: ReductionOrder = "kh,kw,cin",
    decay: float = MASKED_DECAY,
    block: tuple[int, int] = BLOCK,
    flattened: Flattened | None = None,
) -> Iterator[None]:
    """Inside, the model trains under the plan's patterns; afterwards its weights are plain again and satisfy them.

    The optimiser must be made inside, because the parameters are others while the patterns hold.

    Raises:
        InputError: unknown order, or a glob of the scheme that matches no layer.
    """
    layers = list(groupings(model, plan, order, flattened).values())
    for layer, grouping in layers:
        parametrize.register_parametrization(layer, "weight", SparseWeight(grouping, decay, block))
    try:
        yield
    finally:
        for layer, _ in layers:
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
