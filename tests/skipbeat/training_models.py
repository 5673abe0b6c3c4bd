"""Small networks for tests of training, as `module:function` names them."""

from __future__ import annotations

import torch
from torch import nn

Source = tuple[nn.Module, tuple[torch.Tensor, ...]]


def small() -> Source:
    layers = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(16, 4)), (torch.zeros(1, 2, 4, 4),)


class _Sum(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.cumsum(1)


def odd() -> Source:
    return nn.Sequential(nn.Linear(4, 4), _Sum(), nn.Linear(4, 4)), (torch.zeros(1, 4),)
