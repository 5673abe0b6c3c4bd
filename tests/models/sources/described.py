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
