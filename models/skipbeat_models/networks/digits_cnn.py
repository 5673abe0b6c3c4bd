"""The digits CNN: a small convolutional network without branches.

Convolutions 1-16-32-64 (3x3, padding 1), max pooling after the second and third, linear 256-10: 25,866 parameters,
602 thousand multiply-accumulates.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from .seeded import seeded


def build_network(seed: int = 0) -> nn.Sequential:
    """The untrained network, initialised from `seed` without touching torch's global random state."""
    with seeded(seed):
        return nn.Sequential(
            OrderedDict[str, nn.Module](
                conv1=nn.Conv2d(1, 16, 3, padding=1),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(16, 32, 3, padding=1),
                relu2=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                conv3=nn.Conv2d(32, 64, 3, padding=1),
                relu3=nn.ReLU(),
                pool3=nn.MaxPool2d(2),
                flatten=nn.Flatten(),
                fc=nn.Linear(256, 10),
            )
        )
