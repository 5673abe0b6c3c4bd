"""Models with their channels in other orders, which compute the same."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import TypeVar

import torch
from torch import nn

from skipbeat_arch.arrays import Indices
from skipbeat_arch.workload import ReductionOrder

from ...scheme import Scheme
from ..exported import export_module
from ..graph import Graph
from .pruning_orders import PruningOrders, pruning_orders

Model = TypeVar("Model", bound=nn.Module)


def permuted_weights(graph: Graph, orders: PruningOrders) -> Graph:
    """A graph that reads its stored weights in other orders."""

    def read(name: str) -> torch.Tensor:
        return _permuted(graph.read(name), orders.weights.get(name, {}))

    return replace(graph, read=read)


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
    orders = pruning_orders(export_module(model, example_inputs, kwargs or {}), scheme)
    copy = deepcopy(model)
    stored = copy.state_dict()
    with torch.no_grad():
        for name, axes in orders.weights.items():
            stored[name].copy_(_permuted(stored[name], axes))
    return copy


def _permuted(tensor: torch.Tensor, axes: Mapping[int, Indices]) -> torch.Tensor:
    for axis, order in axes.items():
        tensor = tensor.index_select(axis, torch.from_numpy(order).to(tensor.device))
    return tensor
