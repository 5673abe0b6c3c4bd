"""Modules for the tests of sources, and their descriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from skipbeat_arch.model import ModelDescription
from skipbeat_models.sources import from_module


def describe(model: nn.Module, *inputs: torch.Tensor, **options: Any) -> ModelDescription:
    return from_module(model, inputs, name="model", **options)


class Function(nn.Module):
    """A function of tensors, with weights as parameters."""

    def __init__(self, function: Callable[..., torch.Tensor], **weights: torch.Tensor) -> None:
        super().__init__()
        self.function = function
        for name, weight in weights.items():
            self.register_parameter(name, nn.Parameter(weight))

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.function(*inputs, *self.parameters())
        return result


def assert_complete(found: ModelDescription) -> None:
    """Every layer is in the runs with all that the array computes of it, and nothing else is."""
    macs: dict[str, int] = {}
    for run in found.runs:
        graph = run.graph()
        assert len(graph.nodes) == len(run.layers)
        for node, layer in zip(graph.nodes, run.layers, strict=True):
            if layer is not None:
                macs[layer] = macs.get(layer, 0) + node.convolution.macs * run.images * run.repeats
    assert macs == {
        layer.name: sum(part.workload.macs * part.repeats for part in layer.parts) for layer in found.layers
    }
