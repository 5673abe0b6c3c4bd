"""ResNet-9 for images of 32x32 pixels and 10 classes (Page, "How to Train Your ResNet", myrtle.ai, 2018).

A 3x3 stem (3-64); three stages of a 3x3 convolution and 2x2 max pooling with 128, 256 and 512 channels, the first and
the third followed by a residual block of two 3x3 convolutions; 4x4 max pooling and a linear layer: 6,573,130
parameters. It was made for DAWNBench on CIFAR-10, and N:M training is often shown on it. The last layer has a bias,
which Page replaces by a constant factor. Its weights come from a seed.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from .seeded import seeded


def _convolution(c_in: int, c_out: int, *after: nn.Module) -> nn.Sequential:
    names = OrderedDict[str, nn.Module](
        conv=nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), bn=nn.BatchNorm2d(c_out), relu=nn.ReLU()
    )
    names.update({f"pool{number or ''}": module for number, module in enumerate(after)})
    return nn.Sequential(names)


class Residual(nn.Module):
    """x + relu(bn(conv3x3(relu(bn(conv3x3(x))))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _convolution(channels, channels)
        self.conv2 = _convolution(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, channels, H, W] to the same shape."""
        result: torch.Tensor = x + self.conv2(self.conv1(x))
        return result


def build_network(seed: int = 0) -> nn.Sequential:
    """The untrained network, initialised from `seed` without touching torch's global random state."""
    with seeded(seed):
        return nn.Sequential(
            OrderedDict[str, nn.Module](
                prep=_convolution(3, 64),
                layer1=_convolution(64, 128, nn.MaxPool2d(2)),
                residual1=Residual(128),
                layer2=_convolution(128, 256, nn.MaxPool2d(2)),
                layer3=_convolution(256, 512, nn.MaxPool2d(2)),
                residual3=Residual(512),
                pool=nn.MaxPool2d(4),
                flatten=nn.Flatten(),
                fc=nn.Linear(512, 10),
            )
        )
