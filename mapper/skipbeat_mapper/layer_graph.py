"""One layer as a graph of one node, which is compiled like any other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int32Array, Int64Array
from skipbeat_arch.graph import Graph, Node, Pool, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.training.ranks import LARGEST
from skipbeat_arch.workload import Convolution

#: Tensor of a node that is masked.
MASK = "mask"


def weight_shape(conv: Convolution) -> tuple[int, ...]:
    """Of a convolution's weights: [C, K], or [groups, C / groups, K / groups]."""
    gemm = conv.gemm
    return (gemm.c, gemm.k) if conv.groups == 1 else (conv.groups, gemm.c, gemm.k)


@dataclass(frozen=True, kw_only=True)
class Dithered:
    """A node whose bytes are rounded at random.

    Attributes:
        shift: 0 to 32. seed: 24 bits.
        masked: a tensor `MASK` of the output's shape is given besides; where it is 0 the sum is.
    """

    shift: int
    seed: int
    masked: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Nearest:
    """A node whose bytes are rounded half up and noted (`skipbeat_arch.training.noted`).

    Attributes:
        multiplier: int64 [K], of each column's sums. shift: 1 to 62. low: of the clamp.
        pool: the windows of which only the largest sums are rounded, and their places are stored; None: all are.
    """

    multiplier: Int64Array
    shift: int
    low: int
    pool: Pool | None = None


def layer_graph(
    conv: Convolution,
    weight: Int8Array,
    name: str,
    *,
    raw: bool = False,
    operand: bool = False,
    bias: Int32Array | None = None,
    dithered: Dithered | None = None,
    nearest: Nearest | None = None,
) -> Graph:
    """A graph of one node.

    Args:
        conv: of one image.
        weight: int8, see `weight_shape`; to who prices it only its zeros count.
        name: for messages.
        raw: whether its output is int32 sums; else it is int8.
        operand: whether the weight is the second operand of a product of two activations.
        bias: int32 [K]; None: zeros.
        dithered: how its int8 output is rounded, if not half up.
        nearest: how it is rounded half up, if it is noted.
    """
    ones = np.ones(conv.c_out, np.int64)
    multiplier, shift, low = ones, ones, -128
    pool = None if nearest is None else nearest.pool
    if dithered is not None:
        shift, low = dithered.shift * ones, -LARGEST
    elif nearest is not None:
        multiplier, shift, low = nearest.multiplier, nearest.shift * ones, nearest.low
    masked = dithered is not None and dithered.masked
    layer = IntegerLayer(
        name=name,
        workload=conv,
        weight=weight,
        bias=np.zeros(conv.c_out, np.int32) if bias is None else bias,
        multiplier=None if raw else multiplier,
        shift=None if raw else shift,
        low=low,
    )
    node = Node(
        layer=layer,
        input="input",
        output="output",
        operand=operand,
        residual=MASK if masked else None,
        residual_multiplier=0 * ones if masked else None,
        seed=None if dithered is None else dithered.seed,
        noted=nearest is not None,
        pool=pool,
        places=pool is not None,
    )
    channels, height, width = node.out_shape
    mask = [Tensor(name=MASK, channels=channels, height=height, width=width)] if masked else []
    given = Tensor(name=node.input, channels=conv.c_in, height=conv.height, width=conv.width)
    return Graph.of(given, [node], others=mask)
