"""VGG-16 and VGG-19 for images of 224x224 pixels and 1000 classes.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015
(arXiv:1409.1556), table 1, columns D and E: 3x3 convolutions in five stages with 64, 128, 256, 512 and 512 channels,
max pooling after each, and three linear layers; 138,357,544 and 143,667,240 parameters, most of them in the first
linear layer. For images of 32x32 pixels a batch norm follows every convolution, and one linear layer is left: that form
is recalled from implementations in use, not verified against a paper. Weights come from a seed.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from .seeded import seeded

#: Depth -> convolutions of each stage.
_STAGES = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)


def build_network(seed: int = 0, *, depth: int = 16, small_classes: int = 0) -> nn.Sequential:
    """The untrained network of 16 or 19 layers, initialised from `seed` without touching torch's global state.

    Args:
        small_classes: of images of 32x32 pixels; 0: the network is for images of 224x224 pixels and 1000 classes.
    """
    with seeded(seed):
        features: list[nn.Module] = []
        c_in = 3
        for convolutions, c_out in zip(_STAGES[depth], _CHANNELS, strict=True):
            for _ in range(convolutions):
                norm = [nn.BatchNorm2d(c_out)] if small_classes else []
                features += [nn.Conv2d(c_in, c_out, 3, padding=1, bias=not norm), *norm, nn.ReLU()]
                c_in = c_out
            features.append(nn.MaxPool2d(2))
        large = (
            nn.Linear(c_in * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 1000),
        )
        classifier = nn.Linear(c_in, small_classes) if small_classes else nn.Sequential(*large)
        return nn.Sequential(
            OrderedDict[str, nn.Module](features=nn.Sequential(*features), flatten=nn.Flatten(), classifier=classifier)
        )
