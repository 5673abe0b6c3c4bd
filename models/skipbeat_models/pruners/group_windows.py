"""What a convolution sees of its input through each tap of its kernel."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from skipbeat_arch.errors import InputError


def zero_padding(name: str, layer: nn.Conv2d) -> tuple[int, int]:
    """The zeros above and beside the input.

    Raises:
        InputError: the layer pads in another way.
    """
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise InputError(
            f"layer {name!r}: expected padding by a number of zeros, not {layer.padding!r} of mode "
            f"{layer.padding_mode!r}"
        )
    height, width = layer.padding
    return height, width


def taps(name: str, layer: nn.Conv2d, x: torch.Tensor) -> Iterator[tuple[int, int, torch.Tensor]]:
    """Row and column of each kernel tap, and the elements [..., out_h, out_w] of x [..., H, W] that it multiplies."""
    down, across = zero_padding(name, layer)
    padded = nn.functional.pad(x, (across, across, down, down))
    spans = [
        size - dilation * (kernel - 1)
        for size, dilation, kernel in zip(padded.shape[-2:], layer.dilation, layer.kernel_size, strict=True)
    ]
    for i in range(layer.kernel_size[0]):
        for j in range(layer.kernel_size[1]):
            top, left = i * layer.dilation[0], j * layer.dilation[1]
            rows = slice(top, top + spans[0], layer.stride[0])
            yield i, j, padded[..., rows, left : left + spans[1] : layer.stride[1]]
