"""ResNet-50 for images of 224x224 pixels and 1000 classes (He et al., CVPR 2016, table 1 and figure 5, right).

A 7x7 stem of stride 2, max pooling, four stages of 3, 4, 6 and 3 bottleneck blocks with 256, 512, 1024 and 2048
channels, global average pooling and a linear layer: 25,557,032 parameters. As in the implementations in use, a stage's
stride is that of its first block's 3x3 convolution, where the paper has it at the 1x1 convolution before. Its weights
come from a seed.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from .seeded import seeded
from .shortcut import shortcut

#: Of a block's result to its 3x3 convolution.
EXPANSION = 4
_STAGES = ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2))  # blocks, channels of the 3x3 convolution, stride


class Bottleneck(nn.Module):
    """relu(bn(conv1x1(relu(bn(conv3x3(relu(bn(conv1x1(x))))))) + shortcut(x))."""

    def __init__(self, c_in: int, width: int, stride: int = 1) -> None:
        super().__init__()
        c_out = width * EXPANSION
        self.conv1 = nn.Conv2d(c_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, c_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c_out)
        self.relu3 = nn.ReLU()
        self.shortcut = shortcut(c_in, c_out, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, c_in, H, W] to [N, 4 * width, H / stride, W / stride]."""
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        total: torch.Tensor = self.bn3(self.conv3(y)) + self.shortcut(x)
        result: torch.Tensor = self.relu3(total)
        return result


def build_network(seed: int = 0) -> nn.Sequential:
    """The untrained network, initialised from `seed` without touching torch's global random state."""
    with seeded(seed):
        modules = OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu=nn.ReLU(),
            maxpool=nn.MaxPool2d(3, stride=2, padding=1),
        )
        c_in = 64
        for number, (blocks, width, stride) in enumerate(_STAGES, start=1):
            c_out = width * EXPANSION
            rest = [Bottleneck(c_out, width) for _ in range(blocks - 1)]
            modules[f"layer{number}"] = nn.Sequential(Bottleneck(c_in, width, stride), *rest)
            c_in = c_out
        modules["avgpool"] = nn.AdaptiveAvgPool2d(1)
        modules["flatten"] = nn.Flatten()
        modules["fc"] = nn.Linear(c_in, 1000)
        return nn.Sequential(modules)
