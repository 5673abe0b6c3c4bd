"""ResNet-18 for images of 224x224 pixels and 1000 classes (He et al., CVPR 2016, table 1).

A 7x7 stem of stride 2, max pooling, four stages of two basic blocks each with 64, 128, 256 and 512 channels, global
average pooling and a linear layer: 11,689,512 parameters, 1.814 thousand million multiply-accumulates. It is not
trained here: its weights come from a seed, to measure clocks and bits of a network of real size.

For images of 64x64 pixels a 3x3 stem keeps their size, and nothing is pooled before the stages: that form is recalled
from implementations in use, not verified against a paper.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from .seeded import seeded
from .tiny_resnet import BasicBlock

_STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels and stride


def build_network(seed: int = 0, *, small_classes: int = 0) -> nn.Sequential:
    """The untrained network, initialised from `seed` without touching torch's global random state.

    Args:
        small_classes: of small images; 0: the network is for images of 224x224 pixels and 1000 classes.
    """
    with seeded(seed):
        size, stride = (3, 1) if small_classes else (7, 2)
        modules = OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(3, 64, size, stride, padding=size // 2, bias=False), bn1=nn.BatchNorm2d(64), relu=nn.ReLU()
        )
        if not small_classes:
            modules["maxpool"] = nn.MaxPool2d(3, stride=2, padding=1)
        c_in = 64
        for number, (c_out, stride) in enumerate(_STAGES, start=1):
            modules[f"layer{number}"] = nn.Sequential(BasicBlock(c_in, c_out, stride), BasicBlock(c_out, c_out))
            c_in = c_out
        modules["avgpool"] = nn.AdaptiveAvgPool2d(1)
        modules["flatten"] = nn.Flatten()
        modules["fc"] = nn.Linear(c_in, small_classes or 1000)
        return nn.Sequential(modules)
