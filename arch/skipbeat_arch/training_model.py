"""A model as its training step is priced: the three products of every layer, and what the host reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .graph import Pool
from .model import LayerKind, WeightZeros
from .pattern import Pattern
from .workload import Convolution


class Role(StrEnum):
    """What a part of a step is for."""

    FORWARD = "forward"
    BACKWARD = "backward"
    UPDATE = "update"
    OPTIMISER = "optimiser"
    HOST = "host"


class Training(StrEnum):
    """How gradients are found."""

    BACKPROPAGATION = "backpropagation"
    FORWARD_ONLY = "forward-only"


@dataclass(frozen=True, kw_only=True, eq=False)
class Product:
    """A convolution whose weight is stationary in the array.

    Attributes:
        workload: of one image.
        weight: its zeros, in the order of the workload's reduction axis.
        images: that share the weight. repeats: how often all of that comes, with other weights of equal zeros.
        operand: whether the weight is an activation too, of which each image has one of its own.
        masked: whether its results are 0 where a byte for each of them is, which the machine reads.
        pool: windows of which the machine stores the largest result with its place; None: it stores all of them.
    """

    workload: Convolution
    weight: WeightZeros
    images: int
    repeats: int = 1
    operand: bool = False
    masked: bool = False
    pool: Pool | None = None

    @property
    def macs_dense(self) -> int:
        """Multiply-accumulates with every weight, of all images and repeats."""
        return self.workload.macs * self.images * self.repeats


@dataclass(frozen=True, kw_only=True, eq=False)
class Update:
    """The gradient of a weight: the sum over images and pixels of X, moved by a tap, times dY.

    Attributes:
        workload: the layer's convolution of one image, without channel groups.
        pattern: of dY along the images: dense, or 1:q.
        zeros: those of dY as a stationary matrix of a shape.
        images: of the batch. repeats: how often all of that comes, for other channel groups.
    """

    workload: Convolution
    pattern: Pattern
    zeros: Callable[[tuple[int, ...]], WeightZeros]
    images: int
    repeats: int = 1

    @property
    def macs_dense(self) -> int:
        """Multiply-accumulates with all of dY, of all images and repeats."""
        return self.workload.macs * self.images * self.repeats


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedLayer:
    """A layer in a training step.

    Attributes:
        name, kind, shape: as `ModelLayer` has them. stored: whether it has a weight; a product of two activations has
            none, and is dense.
        patterns: of the forward product and of the backward one.
        forward, backward: products; the backward ones are empty where nobody needs the gradient of the layer's input.
        update: the gradient of its weight, if it has one. weights: elements of its weight.
    """

    name: str
    kind: LayerKind
    shape: str
    stored: bool
    patterns: tuple[Pattern, Pattern]
    forward: tuple[Product, ...]
    backward: tuple[Product, ...]
    update: Update | None
    weights: int


@dataclass(frozen=True, kw_only=True)
class HostPass:
    """What the host reads and writes of a step's tensors for operators of one kind, in bytes of the whole batch.

    Attributes:
        operator: what it is, such as `aten.batch_norm`. role: forward or backward.
        count: operators of that kind.
    """

    operator: str
    role: Role
    read: int
    written: int
    count: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingModel:
    """A training step before it is priced.

    Attributes:
        batch: images or sequences of a step.
        layers: in the order of the forward pass.
        host: what is left to the host.
        weights: elements that the optimiser updates.
        update: pattern of the gradients in the update.
        notes: what a reader of the numbers has to know, a sentence each.
    """

    name: str
    batch: int
    layers: tuple[TrainedLayer, ...]
    host: tuple[HostPass, ...]
    weights: int
    update: Pattern
    notes: tuple[str, ...] = ()
