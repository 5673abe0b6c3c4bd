"""Post-training quantisation of a network to the accelerator's graph.

The network is exported and its operators become nodes by the rule of `sources.fusion`, so any module of supported
layers will do: a ResNet with its residual additions, strides, projections and global average pooling. Scales and
multipliers are those of `quantise_layer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import HostOperatorError, InputError
from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.workload import ReductionOrder

from .planned_run import given_name, joined_tensor
from .quantise_layer import (
    QuantisedLayer,
    Scales,
    activation_scale,
    ones_layer,
    quantise_layer,
    round_half_up,
    without_zeros,
)
from .recorded_magnitudes import recorded_magnitudes
from .sources.graphs.constants import Constants
from .sources.graphs.graph import Graph as ReadGraph
from .sources.graphs.operators import VIEWS
from .sources.layers.reading import Reading, read_operators
from .sources.nodes.maps import Form
from .sources.nodes.operation import Kind, Operation
from .sources.nodes.partition import Partition, Run, partition
from .sources.nodes.weights import layer_numbers
from .sources.tracing.recorded import record_module

#: What finds the largest magnitudes of values, by their names, for images.
Magnitudes = Callable[[torch.Tensor], Mapping[str, float]]
#: What a network may hold.
EXPECTED = (
    "expected convolutions and linear layers with batch normalisation, clamps such as ReLU, additions of two maps, max "
    "pooling of whole windows (with padding where no value is negative), averages of whole windows, and flattening"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedGraph:
    """A graph and what its numbers mean.

    Attributes:
        scales: real value of one unit of each tensor, by its name; of the output, one unit of the logits.
    """

    graph: Graph
    scales: dict[str, float]

    @property
    def input_scale(self) -> float:
        """Real value of one unit of the int8 input."""
        return self.scales[self.graph.input]

    @property
    def logit_scale(self) -> float:
        """Real value of one unit of the int32 logits."""
        return self.scales[self.graph.output]

    def quantise_images(self, images: npt.ArrayLike) -> Int8Array:
        """Real images [N, C, H, W] as the graph's int8 input.

        Raises:
            InputError: none, or images of another shape or that are not finite.
        """
        real, shape = np.asarray(images, np.float64), self.graph.tensor(self.graph.input).shape
        if real.ndim != 4 or real.shape[1:] != shape or not len(real) or not np.isfinite(real).all():
            raise InputError(f"images of shape {real.shape}: expected finite numbers [N, {', '.join(map(str, shape))}]")
        return round_half_up(real / self.input_scale, -128, 127).astype(np.int8)


def quantise_graph(
    model: nn.Module, calibration: torch.Tensor, order: ReductionOrder = "kh,kw,cin", *, recorded: bool = False
) -> QuantisedGraph:
    """Quantise a trained network to int8.

    The last layer is a convolution or linear; its int32 sums are the logits [K, 1, 1].

    Args:
        model: takes [N, C, H, W]; it is left as it is.
        calibration: float [N, C, H, W], inputs that are representative of what the network will see.
        order: order of the reduction axis of every convolution.
        recorded: it is one of the zoo's, whose forward does not branch on data: it is recorded and not exported.

    Raises:
        HostOperatorError: it is not one run of nodes from the images to the logits.
        InputError: a network that does not export, calibration data of another rank, or sums that could leave int32.
    """
    if calibration.dim() != 4 or calibration.shape[0] == 0 or not bool(torch.isfinite(calibration).all()):
        raise InputError(f"calibration data of shape {tuple(calibration.shape)}: expected finite numbers [N, C, H, W]")
    floats = next((weight.dtype for weight in model.parameters() if weight.is_floating_point()), torch.float32)
    graph, magnitudes = (_recorded if recorded else _exported)(model, calibration.to(floats))
    readings, constants = read_operators(graph)
    run = _whole(partition(graph, readings, constants), readings)
    source = run[0].source
    if source.form is Form.ROWS or source.shape != tuple(calibration.shape[1:]):
        raise HostOperatorError(f"layer {run[0].name}: expected it to read the images as they are")
    largest = magnitudes(calibration)
    return quantise_run(run, constants, largest, activation_scale(largest[str(source.tensor)]), order)


def _exported(model: nn.Module, images: torch.Tensor) -> tuple[ReadGraph, Magnitudes]:
    """The operators of a network, and what finds the largest magnitudes of their values."""
    from .calibration import largest_magnitudes
    from .sources.tracing.exported import export_program  # a second, which the models of the zoo do without
    from .sources.tracing.program_graph import graph_of

    program = export_program(model, (images,), {})
    return graph_of(program), lambda given: largest_magnitudes(program, [given])


def _recorded(model: nn.Module, images: torch.Tensor) -> tuple[ReadGraph, Magnitudes]:
    """The same of a network that is recorded."""
    graph = record_module(model, (images,), {})
    return graph, lambda given: recorded_magnitudes(model, [given], graph)


def quantise_run(
    run: Run,
    constants: Constants,
    largest: Mapping[str, float],
    given_scale: float,
    order: ReductionOrder = "kh,kw,cin",
) -> QuantisedGraph:
    """The graph of a run of operations.

    Args:
        largest: magnitudes of the values that operations make.
        given_scale: real value of one unit of the tensor that the run is given.

    Raises:
        InputError: weights that are not finite, or sums that could leave int32.
    """
    floors: dict[int | str, float] = {}
    while True:
        quantiser = _Quantiser(run, constants, largest, given_scale, order, floors)
        for operation in run:
            quantiser.add(operation)
        if not quantiser.raised:
            return quantiser.finish()
        floors |= quantiser.raised


def _whole(parts: Partition, readings: list[Reading]) -> Run:
    """The one run that a network is."""
    operations = {operation.reading for run in parts.runs for operation in run}
    for reading in readings:
        operator = reading.operator
        left = reading.left or (reading.names and reading not in operations)
        if left or (operator in parts.host and operator.base not in VIEWS):
            raise HostOperatorError(
                f"layer {operator.module or operator.base}: {operator.title} is not supported here; {EXPECTED}"
            )
    if not parts.runs:
        raise InputError(f"network to quantise: it has no layer; {EXPECTED}")
    if len(parts.runs) > 1:
        raise HostOperatorError(
            f"layer {parts.runs[1][0].name}: expected that it reads what layers before it make, as they make it, and "
            "that nothing else does"
        )
    (run,) = parts.runs
    if not run[-1].raw:
        raise HostOperatorError("network to quantise: expected its last module to be a Linear or a Conv2d")
    return run


class _Quantiser:
    def __init__(
        self,
        run: Run,
        constants: Constants,
        largest: Mapping[str, float],
        given_scale: float,
        order: ReductionOrder,
        floors: Mapping[int | str, float],
    ) -> None:
        self._floors = floors
        #: Parts of concatenations whose scale is finer than another part's, with that scale.
        self.raised: dict[int | str, float] = {}
        self._joined: list[Tensor] = []
        self._constants, self._largest, self._order = constants, largest, order
        source = run[0].source
        name = given_name([operation.name for operation in run])
        channels, height, width = source.shape
        self._given = Tensor(name=name, channels=channels, height=height, width=width)
        self._names: dict[int | str, str] = {source.tensor: name}
        self._scales = {name: given_scale}
        self._nodes: list[Node] = []
        self._parts: dict[int | str, set[int | str]] = {}

    def add(self, operation: Operation) -> None:
        """One operation as a node."""
        if operation.kind is Kind.CONCATENATION:
            self._join(operation)
            return
        source = self._names[operation.source.tensor]
        residual = None if operation.residual is None else self._names[operation.residual.tensor]
        ranged = operation.ranged
        scales = Scales(
            input=self._scales[source],
            output=None if operation.raw or ranged is None else self._output_scale(operation.number, ranged.name),
            residual=None if residual is None else self._scales[residual],
        )
        quantised = self._quantise(operation, scales)
        self._names[operation.number] = operation.name
        self._scales[operation.name] = quantised.scale
        self._nodes.append(
            Node(
                layer=quantised.layer,
                input=source,
                output=operation.name,
                pool=operation.pool,
                residual=residual,
                residual_multiplier=quantised.residual_multiplier,
                alike=not operation.weighted,
            )
        )

    def _output_scale(self, number: int, value: str) -> float:
        return max(activation_scale(self._largest[value]), self._floors.get(number, 0.0))

    def _join(self, operation: Operation) -> None:
        """A concatenation as a tensor of its parts, which must have one scale."""
        names = [self._names[part.tensor] for part in operation.parts]
        scale = max(self._scales[name] for name in names)
        parts = [(name, part.shape) for name, part in zip(names, operation.parts, strict=True)]
        self._joined.append(joined_tensor(operation.name, parts))
        self._names[operation.number], self._scales[operation.name] = operation.name, scale
        self._parts[operation.number] = {part.tensor for part in operation.parts}
        for part in operation.parts:
            for number in self._parts.get(part.tensor, {part.tensor}):
                if self._scales[self._names[number]] < scale:
                    self.raised[number] = scale

    def _quantise(self, operation: Operation, scales: Scales) -> QuantisedLayer:
        clamp = (operation.low, operation.high)
        if not operation.weighted:
            return ones_layer(operation.name, operation.workload, scales, clamp=clamp)
        weight, bias = layer_numbers(operation, self._constants)
        workload = replace(operation.workload, order=self._order)
        found = quantise_layer(operation.name, weight, bias, workload, scales, clamp=clamp)
        return found if operation.kind is Kind.LAYER else without_zeros(found)

    def finish(self) -> QuantisedGraph:
        """The graph of all nodes."""
        return QuantisedGraph(graph=Graph.of(self._given, self._nodes, self._joined), scales=self._scales)
