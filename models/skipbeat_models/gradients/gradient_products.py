"""The convolutions that a training step computes for one: of the gradients of its input and of its weight.

dX is a transposed convolution of dY, with the kernel flipped and its channels exchanged, so that its groups lie along
the output channels; one of stride s is a convolution for each of the s x s phases that some tap reaches. dW has no
geometry of its own: who maps it takes the forward convolution.
"""

from __future__ import annotations

from dataclasses import replace

from skipbeat_arch.workload import Convolution

from ..sources.layers.convolutions import ConvolutionCall, ConvolutionPart, workloads


def input_gradient(name: str, conv: Convolution) -> list[ConvolutionPart]:
    """The convolutions of dY, each for one image, that give dX; of a kernel over the whole map it is one product."""
    conv = flat(conv)
    call = ConvolutionCall(
        batch=1,
        c_in=conv.c_out,
        c_out=conv.c_in,
        size=conv.out_size,
        kernel=conv.kernel,
        stride=conv.stride,
        low=conv.padding,
        high=conv.padding,
        dilation=conv.dilation,
        groups=conv.groups,
        transposed=True,
        out_size=(conv.height, conv.width),
    )
    return workloads(name, call)


def flat(conv: Convolution) -> Convolution:
    """A kernel over the whole map as one over a single pixel, with a channel for each pixel; others as they are."""
    size = (conv.height, conv.width)
    if conv.kernel != size or conv.padding != (0, 0) or conv.groups != 1:
        return conv
    channels = conv.c_in * conv.height * conv.width
    return Convolution(batch=1, c_in=channels, c_out=conv.c_out, height=1, width=1, kernel=(1, 1))


def ungrouped(conv: Convolution, columns: int) -> tuple[Convolution, int]:
    """A grouped convolution as one without groups for the gradient of its weight, and how often it comes.

    As many groups as fill `columns` outputs stand side by side; only the products within a group are used.
    """
    conv = flat(conv)
    if conv.groups == 1:
        return conv, 1
    inputs, outputs = conv.c_in // conv.groups, conv.c_out // conv.groups
    together = min(conv.groups, max(1, columns // outputs))
    times = -(-conv.groups // together)
    return replace(conv, c_in=together * inputs, c_out=together * outputs, groups=1), times
