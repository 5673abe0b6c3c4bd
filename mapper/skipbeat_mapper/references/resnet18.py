"""ResNet-18 (He et al., 2016) at 224×224, by shapes: the model that other simulators publish cycles for.

SCALE-Sim's own topology file has no padding; its published runs of 1.814 GMAC have each layer's input enlarged by its
padding, so that outputs have PyTorch's sizes. As shipped, `topologies/conv_nets/Resnet18.csv` is 1.471 GMAC.
"""

from __future__ import annotations

from skipbeat_arch.workload import Convolution, Gemm, Workload


def resnet18() -> tuple[Workload, ...]:
    """The 20 convolutions and the linear layer, in order."""
    layers: list[Workload] = [_convolution(224, 7, 3, 64, 2)]
    layers += [_convolution(56, 3, 64, 64, 1)] * 4
    for channels, size in ((128, 28), (256, 14), (512, 7)):
        layers.append(_convolution(2 * size, 3, channels // 2, channels, 2))
        layers.append(_convolution(size, 3, channels, channels, 1))
        layers.append(_convolution(2 * size, 1, channels // 2, channels, 2))
        layers += [_convolution(size, 3, channels, channels, 1)] * 2
    layers.append(Gemm(p=1, c=512, k=1000))
    return tuple(layers)


def _convolution(size: int, kernel: int, c_in: int, c_out: int, stride: int) -> Convolution:
    pad = kernel // 2
    return Convolution(
        batch=1,
        c_in=c_in,
        c_out=c_out,
        height=size,
        width=size,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        padding=(pad, pad),
    )
