"""The cache of a module: by the name that its version of transformers gives it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_models.caches import cache_names


class Named(nn.Module):
    def forward(self, x: torch.Tensor, cache: object = None) -> torch.Tensor:
        return x


class NamedBefore(nn.Module):
    def forward(self, x: torch.Tensor, past_key_values: object = None) -> torch.Tensor:
        return x


class Recurrent(nn.Module):
    def forward(self, x: torch.Tensor, state: object = None, cache_params: object = None) -> torch.Tensor:
        return x


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (Named(), ["cache"]),
        (NamedBefore(), ["past_key_values"]),
        (Recurrent(), ["cache_params", "state"]),
        (nn.ReLU(), []),
    ],
)
def test_a_cache_is_found_by_its_name(module: nn.Module, names: list[str]) -> None:
    assert cache_names(module) == names
