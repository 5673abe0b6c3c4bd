"""The way around the convolutions of a residual block."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def shortcut(c_in: int, c_out: int, stride: int) -> nn.Module:
    """Nothing where the shape stays, else a 1x1 convolution with its batch norm."""
    if stride == 1 and c_in == c_out:
        return nn.Identity()
    return nn.Sequential(
        OrderedDict[str, nn.Module](conv=nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False), bn=nn.BatchNorm2d(c_out))
    )
