"""PyTorch's convolution in double precision, a few images or a band of lines after the other.

It copies its whole input once for each tap of the kernel before it multiplies. Parts of it need little memory for that,
and half the time, as what was copied is still in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import torch

#: Numbers that are copied at a time.
_AT_ONCE = 1 << 20
#: Bands have a multiple of so many pixels: matrix products are made in blocks of 12, 24 or 48 columns, of which the
#: last one may be added up in another order. So the results are those of the whole, bit by bit.
_PIXELS = 96


def convolution(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
) -> torch.Tensor:
    """`torch.nn.functional.conv2d` of [N, C, H, W] with a kernel [K, C / groups, kh, kw].

    Pairs are (y, x), or one number for both.
    """
    stride, padding, dilation = (tuple(each) * (2 // len(each)) for each in (stride, padding, dilation))
    reach = dilation[0] * (weight.shape[2] - 1) + 1
    height = (x.shape[2] + 2 * padding[0] - reach) // stride[0] + 1
    width = (x.shape[3] + 2 * padding[1] - dilation[1] * (weight.shape[3] - 1) - 1) // stride[1] + 1
    copied = width * weight[0].numel()
    images = max(1, _AT_ONCE // (height * copied))
    block = _PIXELS // gcd(width, _PIXELS)
    lines = max(1, _AT_ONCE // (copied * block)) * block
    found = x.new_empty((len(x), len(weight), height, width))
    for first in range(0, len(x), images):
        for top in range(0, height, lines):
            last = min(top + lines, height) - 1
            band = _band(x[first : first + images], top * stride[0] - padding[0], last * stride[0] - padding[0] + reach)
            found[first : first + images, :, top : last + 1] = torch.nn.functional.conv2d(
                band, weight, bias, stride, (0, padding[1]), dilation, groups
            )
    return found


def _band(x: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    """Lines `start` to before `stop`, zeros where there are none."""
    above, below = max(0, -start), max(0, stop - x.shape[2])
    lines = x[:, :, max(0, start) : max(0, stop)]
    return torch.nn.functional.pad(lines, (0, 0, above, below)) if above or below else lines
