"""One layer as a graph of one node, which is compiled like any other."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int32Array
from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.workload import Convolution


def weight_shape(conv: Convolution) -> tuple[int, ...]:
    """Of a convolution's weights: [C, K], or [groups, C / groups, K / groups]."""
    gemm = conv.gemm
    return (gemm.c, gemm.k) if conv.groups == 1 else (conv.groups, gemm.c, gemm.k)


def layer_graph(
    conv: Convolution,
    weight: Int8Array,
    name: str,
    *,
    raw: bool = False,
    operand: bool = False,
    bias: Int32Array | None = None,
) -> Graph:
    """A graph of one node.

    Args:
        conv: of one image.
        weight: int8, see `weight_shape`; to who prices it only its zeros count.
        name: for messages.
        raw: whether its output is int32 sums; else it is int8.
        operand: whether the weight is the second operand of a product of two activations.
        bias: int32 [K]; None: zeros.
    """
    ones = np.ones(conv.c_out, np.int64)
    layer = IntegerLayer(
        name=name,
        workload=conv,
        weight=weight,
        bias=np.zeros(conv.c_out, np.int32) if bias is None else bias,
        multiplier=None if raw else ones,
        shift=None if raw else ones,
    )
    node = Node(layer=layer, input="input", output="output", operand=operand)
    return Graph.of(Tensor(name=node.input, channels=conv.c_in, height=conv.height, width=conv.width), [node])
