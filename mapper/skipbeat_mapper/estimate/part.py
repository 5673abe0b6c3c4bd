"""A layer's part as a graph of one node, which is compiled like any other."""

from __future__ import annotations

import dataclasses
from math import prod

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.machine_ports import ADDRESS_BITS
from skipbeat_arch.model import LayerPart
from skipbeat_arch.workload import Convolution, Workload

#: Weights of the largest layer: looked at before its zeros are, which take a byte each.
MOST_WEIGHTS = 1 << 32


def one_image(workload: Workload) -> tuple[Convolution, int]:
    """The workload as a convolution of one image, and how many images there are.

    A matrix product is a 1x1 convolution over a line of P pixels.
    """
    if isinstance(workload, Convolution):
        return dataclasses.replace(workload, batch=1), workload.batch
    return Convolution(batch=1, c_in=workload.c, c_out=workload.k, height=1, width=workload.p, kernel=(1, 1)), 1


def weight_shape(conv: Convolution) -> tuple[int, ...]:
    """Of a convolution's weights: [C, K], or [groups, C / groups, K / groups]."""
    gemm = conv.gemm
    return (gemm.c, gemm.k) if conv.groups == 1 else (conv.groups, gemm.c, gemm.k)


def check_addresses(part: LayerPart, name: str, weight_bits: int) -> None:
    """Refuse a part that cannot lie in memory with all its weights, before the work of cutting it into tiles.

    Raises:
        InputError: weights, input and output of one image alone are more than addresses reach.
    """
    conv, _ = one_image(part.workload)
    outputs = conv.c_out * conv.out_size[0] * conv.out_size[1]
    size = prod(weight_shape(conv)) * weight_bits // 8 + conv.c_in * conv.height * conv.width + outputs
    if size >= 1 << ADDRESS_BITS:
        raise InputError(
            f"layer {name}: it needs at least {size:,} bytes of memory, more than {ADDRESS_BITS}-bit addresses reach"
        )


def part_weight(part: LayerPart, name: str) -> Int8Array:
    """Weights int8 that are 1 where there is one.

    Raises:
        InputError: the zeros have another shape than the workload.
    """
    conv, _ = one_image(part.workload)
    shape = weight_shape(conv)
    if (size := conv.gemm.c * conv.c_out) >= MOST_WEIGHTS:
        raise InputError(f"layer {name}: {size:,} weights are more than {MOST_WEIGHTS:,}, what 32-bit addresses reach")
    nonzero = part.weight.nonzero()
    if nonzero.dtype != np.bool_ or nonzero.shape not in (shape, (conv.groups, conv.gemm.c, conv.gemm.k)):
        raise InputError(f"layer {name}: expected zeros bool {list(shape)}, not {nonzero.dtype} {list(nonzero.shape)}")
    return nonzero.reshape(shape).view(np.int8)


def full_weight(part: LayerPart) -> Int8Array:
    """Every weight 1; takes no memory."""
    return np.broadcast_to(np.int8(1), weight_shape(one_image(part.workload)[0]))


def part_graph(conv: Convolution, weight: Int8Array, name: str) -> Graph:
    """A graph of one node; its output is int8.

    Args:
        conv: of one image.
        weight: int8, see `weight_shape`; only its zeros count.
        name: for messages.
    """
    channels = conv.c_out
    ones = np.ones(channels, np.int64)
    layer = IntegerLayer(
        name=name, workload=conv, weight=weight, bias=np.zeros(channels, np.int32), multiplier=ones, shift=ones
    )
    return node_graph(Node(layer=layer, input="input", output="output"))


def node_graph(node: Node) -> Graph:
    """A graph of this node alone."""
    conv, (channels, height, width) = node.convolution, node.out_shape
    return Graph(
        tensors=(
            Tensor(name=node.input, channels=conv.c_in, height=conv.height, width=conv.width),
            Tensor(name=node.output, channels=channels, height=height, width=width),
        ),
        nodes=(node,),
        input=node.input,
        output=node.output,
    )
