"""What a network has become when it is ready for the accelerator."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.graph import Graph

from .quantise_mixed import QuantisedMixed
from .scheme import Scheme


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedNetwork:
    """A network that is one program.

    Attributes:
        source: its name, `zoo:NAME` or `module:function`.
        scheme: the patterns that its layers were pruned to.
        graph: its steps; the output is the logits, int32 [classes, 1, 1].
        input_scale, logit_scale: real value of one unit of the int8 input and of the logits.
        images: int8 [N, C, H, W], inputs to run it on.
    """

    source: str
    scheme: Scheme
    graph: Graph
    input_scale: float
    logit_scale: float
    images: Int8Array


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedNetwork(PreparedNetwork):
    """A network that was trained on the digits; its images are the 450 test images.

    Attributes:
        dense_accuracy, pruned_accuracy, int8_accuracy: percent of the test images.
        labels: int64 [450].
    """

    dense_accuracy: float
    pruned_accuracy: float
    int8_accuracy: float
    labels: Int64Array


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedMixed:
    """A network that machine and host run together.

    Attributes:
        source, scheme: as of a `PreparedNetwork`.
        inputs: of each call all arguments, one after the other.
    """

    source: str
    scheme: Scheme
    quantised: QuantisedMixed
    inputs: tuple[tuple[object, ...], ...]
