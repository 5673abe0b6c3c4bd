"""MobileNet-V2 for images of 224x224 pixels and 1000 classes.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018 (arXiv:1801.04381), table 2 with
width 1: 3,504,872 parameters. A block widens its input by a 1x1 convolution, filters it depthwise 3x3 and projects it
by a 1x1 convolution without a nonlinearity. Weights come from a seed.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from .seeded import seeded

#: Expansion, channels, blocks, stride of the first block.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def _convolution(c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            conv=nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
            bn=nn.BatchNorm2d(c_out),
            relu=nn.ReLU6(),
        )
    )


class InvertedResidual(nn.Module):
    """Expand, filter and project; with x added where the shape stays."""

    def __init__(self, c_in: int, c_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = c_in * expansion
        self.expand: nn.Module = _convolution(c_in, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _convolution(wide, wide, 3, stride, groups=wide)
        self.project = nn.Conv2d(wide, c_out, 1, bias=False)
        self.bn = nn.BatchNorm2d(c_out)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, c_in, H, W] to [N, c_out, H / stride, W / stride]."""
        y: torch.Tensor = self.bn(self.project(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


def build_network(seed: int = 0) -> nn.Sequential:
    """The untrained network, initialised from `seed` without touching torch's global random state."""
    with seeded(seed):
        modules = OrderedDict[str, nn.Module](stem=_convolution(3, 32, 3, stride=2))
        c_in = 32
        for number, (expansion, c_out, blocks, stride) in enumerate(_STAGES, start=1):
            strides = (stride, *[1] * (blocks - 1))
            widths = (c_in, *[c_out] * (blocks - 1))
            modules[f"stage{number}"] = nn.Sequential(
                *(InvertedResidual(width, c_out, step, expansion) for width, step in zip(widths, strides, strict=True))
            )
            c_in = c_out
        modules["head"] = _convolution(c_in, 1280, 1)
        modules["avgpool"] = nn.AdaptiveAvgPool2d(1)
        modules["flatten"] = nn.Flatten()
        modules["dropout"] = nn.Dropout(0.2)
        modules["fc"] = nn.Linear(1280, 1000)
        return nn.Sequential(modules)
