"""A model as it is priced: layers with the zeros of their weights, and the operators that the array cannot run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum, StrEnum

from .arrays import BoolArray
from .graph import Graph
from .pattern import Pattern
from .workload import Convolution, Gemm, Workload


class LayerKind(StrEnum):
    """What a layer is in the model."""

    CONVOLUTION = "conv"
    GROUPED = "grouped conv"
    DEPTHWISE = "depthwise conv"
    TRANSPOSED = "transposed conv"
    LINEAR = "linear"
    MATMUL = "matmul"


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightZeros:
    """Where a weight is not zero. It is read when it is asked for and not kept, so that large models need no memory.

    Attributes:
        key: weights with equal keys have the same shape and the same zeros, so they are priced once.
        nonzero: bool [C, K], for a grouped convolution [groups, C / groups, K / groups], with C in the workload's
            order of the reduction axis.
    """

    key: Hashable
    nonzero: Callable[[], BoolArray]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerPart:
    """One matrix product or convolution.

    Attributes:
        repeats: how often it runs with the same zeros (heads of attention, images).
        in_turn: whether that is with the same weight, each time after the other (steps of a recurrent layer).
        kept: whether also nothing else runs between them, so that a weight may stay on the chip.
        met: pixels that each weight meets in the layer, if not all outputs of the workload; a transposed convolution
            multiplies each input by each tap, and what else the array multiplies by is padding.
    """

    workload: Workload
    weight: WeightZeros
    repeats: int = 1
    in_turn: bool = False
    kept: bool = False
    met: int | None = None

    @property
    def macs_dense(self) -> int:
        """Multiply-accumulates with every weight, all repeats."""
        return self.macs(self.workload.macs * self.repeats)

    def macs(self, computed: int) -> int:
        """Multiply-accumulates of the layer, of those that the array computes of some of its weights."""
        if self.met is None or not isinstance(self.workload, Convolution):
            return computed
        return computed * self.met // self.workload.gemm.p


@dataclass(frozen=True, kw_only=True)
class KeptMagnitude:
    """Sums of the magnitudes of weights, and of those that N:M pruning keeps.

    Attributes:
        whole: of all weights.
        natural: of those kept if input channels stay in their order. permuted: if they are permuted before.
    """

    whole: float
    natural: float
    permuted: float

    @property
    def natural_share(self) -> float:
        """Of the whole, 0..1; 1 if there is nothing to keep."""
        return self.natural / self.whole if self.whole else 1.0

    @property
    def permuted_share(self) -> float:
        """Of the whole, 0..1; 1 if there is nothing to keep."""
        return self.permuted / self.whole if self.whole else 1.0

    def __add__(self, other: KeptMagnitude) -> KeptMagnitude:
        return KeptMagnitude(
            whole=self.whole + other.whole,
            natural=self.natural + other.natural,
            permuted=self.permuted + other.permuted,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelLayer:
    """A layer of the model.

    Attributes:
        name: the module's name, or the operator's where it has no module.
        parts: one, but for a transposed convolution: one for each phase of its stride.
        shape: as a reader knows it, such as `64x3x7x7 on 224x224`.
        pattern: measured from the zeros along the reduction axis, before the weights are rounded to int8.
        density: share of the int8 weights that are not zero, 0..1; of a product with blocks or rows that are left out,
            share of the products that are made.
        stored: whether the second operand is a stored weight; the product of two activations has none, and is dense.
        kept: what pruning kept, if channels were permuted for its sake.
        whole: all of a product of which the parts are only some blocks (sparse attention).
    """

    name: str
    kind: LayerKind
    parts: tuple[LayerPart, ...]
    shape: str
    pattern: Pattern
    density: float
    stored: bool = True
    kept: KeptMagnitude | None = None
    whole: LayerPart | None = None

    @property
    def macs_dense(self) -> int:
        """Multiply-accumulates of all parts with every weight, of all blocks."""
        return sum(part.macs_dense for part in ((self.whole,) if self.whole else self.parts))


@dataclass(frozen=True, kw_only=True)
class RunProduct:
    """A node of a run that is a product of matrices.

    Attributes:
        gemm: its sizes.
        raw: whether its results are int32.
    """

    gemm: Gemm
    raw: bool = False


class Twin(Enum):
    """What a run stands for."""

    BOTH = "what runs and, with every weight, its dense twin"
    NONE = "what runs"
    ONLY = "the dense twin of others"


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelRun:
    """A run of nodes: the longest part of a model that the machine computes by one program.

    Attributes:
        key: runs with equal keys have the same nodes with the same zeros, so they are priced once.
        structure: the same of runs that differ in their zeros alone, so that their dense twin is priced once.
        graph: makes the nodes when it is asked for; they are not kept. Weights are int8, 1 where the int8 weight is not
            zero; biases, multipliers and shifts are placeholders, which no clock depends on.
        counted: makes other nodes of the same sizes, with as many nonzeros in each group of so many input channels,
            without looking for where they are; or None, if it cannot.
        names: of the graph's nodes.
        layers: for each node the name of the `ModelLayer` that it computes (a part of); None for a node that has no
            layer of its own: pooling, or an addition that no layer takes over.
        images: that one run of the program computes, side by side as far as there is room; products of two activations
            have second operands of their own, and follow one another.
        side: most of them side by side; None: as many as keep on the chip what a single one does.
        repeats: how often it runs, one program after the other (sequences of a batch, steps of a recurrent layer, parts
            of many heads).
        twin: whether it runs, and is its own dense twin.
        again: whether the run before it is of the same program (a step of a recurrent layer): weights that all fit on
            the chip are still there.
        convolutions: of its nodes, each of one image; none if it already says how many images a program computes.
        products: what each node multiplies, if all are products of the same rows; else none.
        block: makes of such a run that of so many of its rows, as no row depends on another one.
        further: whether it is another block of the run before it, with whose weights its own are stored.
    """

    key: Hashable
    structure: Hashable
    graph: Callable[[], Graph]
    names: tuple[str, ...]
    layers: tuple[str | None, ...]
    images: int = 1
    side: int | None = None
    repeats: int = 1
    twin: Twin = Twin.BOTH
    again: bool = False
    counted: Callable[[int], Graph | None] = lambda _: None
    convolutions: tuple[Convolution, ...] = ()
    products: tuple[RunProduct, ...] = ()
    block: Callable[[ModelRun, int], ModelRun] | None = None
    further: bool = False


@dataclass(frozen=True, kw_only=True)
class HostOperator:
    """An operator that is left to the host.

    Attributes:
        name: where it stands in the model; operator: what it is, such as `aten.softmax`.
        elements: of its result. count: how often it stands there.
        fused: whether the accelerator's output stage does it, so that the host need not.
    """

    name: str
    operator: str
    elements: int
    count: int = 1
    fused: bool = False


@dataclass(frozen=True, kw_only=True)
class Unpriced:
    """An operator that is, or may be, a product and is in no number of an estimate.

    Attributes:
        name: where it stands in the model; operator: what it is, such as `mine.linear`.
        reason: why it is not priced.
        elements: of its result. parameters: elements of the stored tensors that it takes.
        share: of the model's stored elements, 0..1.
    """

    name: str
    operator: str
    reason: str
    elements: int
    parameters: int
    share: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelDescription:
    """Layers in the order in which they run.

    Attributes:
        layers: what a report has rows for.
        runs: the same layers as the machine executes them, in order, with what the output stage takes over.
        notes: what a reader of the numbers has to know, a sentence each.
        batch: images or sequences that the layers are for.
        unpriced: what multiplies, or may, and is in no layer.
    """

    name: str
    layers: tuple[ModelLayer, ...]
    host_operators: tuple[HostOperator, ...] = ()
    notes: tuple[str, ...] = ()
    batch: int = 1
    runs: tuple[ModelRun, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()
