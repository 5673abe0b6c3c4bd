"""torch's types by name, for signatures of code that must not import torch itself."""

from __future__ import annotations

from torch import Tensor
from torch.nn import Module

__all__ = ["Module", "Tensor"]
