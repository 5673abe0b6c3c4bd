"""A small network, and an accuracy that takes its time, for tests of studies."""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from torch import nn


def build() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    torch.manual_seed(0)
    layers = nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 8)
    return nn.Sequential(*layers), (torch.zeros(1, 4, 4, 4),)


def accuracy(model: str, scheme: dict[str, Any] | None) -> float:
    """Less for what is sparser; it waits as long as the environment says, so that somebody may interrupt."""
    time.sleep(float(os.environ.get("SKIPBEAT_TEST_WAIT", "0")))
    return 0.9 if scheme is None else 0.9 - 0.1 * str(scheme).count(":4")
