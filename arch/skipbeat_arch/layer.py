"""A quantised layer as plain integers: what the models hand over and the mapper compiles."""

from __future__ import annotations

from dataclasses import dataclass

from .arrays import Int8Array, Int32Array, Int64Array
from .workload import Workload


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerLayer:
    """`y = requantise(x · weight + bias, multiplier, shift, low, high)`, per output channel.

    Attributes:
        name: the module's name in the model.
        workload: its shape; a linear layer is a `Gemm`.
        weight: int8 [C, K] (for a grouped convolution [groups, C/groups, K/groups]), C in the workload's order
            of the reduction axis.
        bias: int32 [K]; multiplier: int64 [K]; shift: int64 [K]; low, high: the clamp (low = 0 is a ReLU).
            `multiplier` None: the layer's result is the int32 sum with bias (a network's logits).
    """

    name: str
    workload: Workload
    weight: Int8Array
    bias: Int32Array
    multiplier: Int64Array | None = None
    shift: Int64Array | None = None
    low: int = -128
    high: int = 127
