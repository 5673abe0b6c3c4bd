"""The tiny ResNet: what makes residual networks hard for an accelerator, on 8x8 digits.

A 3x3 stem (1-16), a basic block (16), a basic block that halves the map (16-32, with a 1x1 projection of stride 2 on
the shortcut), a depthwise-separable residual block (depthwise 3x3, then 1x1, 32 channels), global average pooling and
a linear layer 32-10. Every convolution is followed by batch normalisation. The basic block is that of He et al.,
"Deep Residual Learning for Image Recognition", CVPR 2016, figure 2; the separable convolution that of Howard et al.,
"MobileNets", arXiv:1704.04861, section 3.1.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from .seeded import seeded
from .shortcut import shortcut


class BasicBlock(nn.Module):
    """relu(bn(conv3x3(relu(bn(conv3x3(x))))) + shortcut(x)); the shortcut is x itself where the shape stays."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.relu2 = nn.ReLU()
        self.shortcut = shortcut(c_in, c_out, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, c_in, H, W] to [N, c_out, H / stride, W / stride]."""
        y = self.relu1(self.bn1(self.conv1(x)))
        total: torch.Tensor = self.bn2(self.conv2(y)) + self.shortcut(x)
        result: torch.Tensor = self.relu2(total)
        return result


class SeparableBlock(nn.Module):
    """relu(bn(conv1x1(relu(bn(depthwise3x3(x))))) + x)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, channels, H, W] to the same shape."""
        y = self.relu1(self.bn1(self.depthwise(x)))
        result: torch.Tensor = self.relu2(self.bn2(self.pointwise(y)) + x)
        return result


def build_network(seed: int = 0) -> nn.Sequential:
    """The untrained network, initialised from `seed` without touching torch's global random state."""
    with seeded(seed):
        return nn.Sequential(
            OrderedDict[str, nn.Module](
                conv=nn.Conv2d(1, 16, 3, padding=1, bias=False),
                bn=nn.BatchNorm2d(16),
                relu=nn.ReLU(),
                block1=BasicBlock(16, 16),
                block2=BasicBlock(16, 32, stride=2),
                block3=SeparableBlock(32),
                pool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(32, 10),
            )
        )
