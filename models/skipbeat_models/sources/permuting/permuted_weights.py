"""The weights of a model with its channels in other orders, so that it computes the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from skipbeat_arch.arrays import Indices

from ..graphs.graph import Graph
from .pruning_orders import PruningOrders


def permuted_weights(graph: Graph, orders: PruningOrders) -> Graph:
    """A graph that reads its stored weights in other orders."""

    def read(name: str) -> torch.Tensor:
        return in_orders(graph.read(name), orders.weights.get(name, {}))

    return replace(graph, read=read)


def in_orders(tensor: torch.Tensor, axes: Mapping[int, Indices]) -> torch.Tensor:
    """A tensor with the elements of some of its axes in other orders."""
    for axis, order in axes.items():
        tensor = tensor.index_select(axis, torch.from_numpy(order).to(tensor.device))
    return tensor
