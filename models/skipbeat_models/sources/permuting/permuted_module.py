"""A module with its channels in other orders, which computes the same."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

from skipbeat_arch.workload import ReductionOrder

from ...scheme import Scheme
from .permuted_weights import in_orders
from .pruning_orders import pruning_orders

Model = TypeVar("Model", bound=nn.Module)


def permuted_module(
    model: Model,
    example_inputs: tuple[object, ...],
    scheme: Scheme,
    kwargs: Mapping[str, object] | None = None,
    order: ReductionOrder = "kh,kw,cin",
) -> Model:
    """A copy of a module with its channels in orders for which pruning keeps more; see `pruning_orders`.

    The module itself comes back if the scheme does not ask for it, and if groups are to lie along kernel taps.

    Args:
        example_inputs, kwargs: what the forward is called with.
        order: of the reduction axis of convolutions, along which they are pruned.

    Raises:
        InputError: the module does not export.
    """
    if not scheme.permute or order != "kh,kw,cin":
        return model
    from ..tracing.exported import export_module  # a second, which whoever does not permute does without

    orders = pruning_orders(export_module(model, example_inputs, kwargs or {}), scheme)
    copy = deepcopy(model)
    stored = copy.state_dict()
    with torch.no_grad():
        for name, axes in orders.weights.items():
            stored[name].copy_(in_orders(stored[name], axes))
    return copy
