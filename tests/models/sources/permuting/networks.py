"""Networks whose sums are exact, so that the order in which they are added changes no bit."""

from __future__ import annotations

import torch
from torch import nn

#: Of the norm: not 0, which older versions of torch refuse, and exact beside the variances below.
EPSILON = 0.125


class Residual(nn.Module):
    """Every kind of place that a channel has: norms, biases, a residual, a depthwise and a flattened linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16, eps=EPSILON)
        self.inner = nn.Conv2d(16, 24, 3, padding=1)
        self.depthwise = nn.Conv2d(24, 24, 3, padding=1, groups=24)
        self.back = nn.Conv2d(24, 16, 1)
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.Linear(16 * 9, 32)
        self.logits = nn.Linear(32, 5)
        self.shift = nn.Parameter(torch.zeros(16, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.stem(x)).relu()
        inner = self.depthwise(self.inner(x).relu()).relu()
        x = self.pool((self.back(inner) + self.shift + x).relu())
        result: torch.Tensor = self.logits(self.hidden(x.flatten(1)).relu())
        return result


def exact(model: nn.Module, seed: int = 0) -> nn.Module:
    """A model whose numbers are small quotients of powers of two, in float64."""
    generator = torch.Generator().manual_seed(seed)
    model = model.double().eval()
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.randint(-8, 9, tensor.shape, generator=generator) / 8)
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(4.0 ** torch.randint(-1, 2, tensor.shape, generator=generator) - EPSILON)
    return model


def images(count: int = 4) -> torch.Tensor:
    """Float32 [count, 3, 6, 6]."""
    generator = torch.Generator().manual_seed(7)
    return torch.randint(-8, 9, (count, 3, 6, 6), generator=generator) / 8
