"""A network as training sees it: its layers by shapes, who needs a gradient, and what is left to the host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Pool
from skipbeat_arch.model import LayerKind, ModelDescription, ModelLayer
from skipbeat_arch.training_model import HostPass
from skipbeat_arch.workload import Convolution, Gemm

from .. import zoo
from ..sources.build import describe
from ..sources.graphs.constants import Constants
from ..sources.graphs.graph import Graph, Operator, names_of
from ..sources.graphs.operators import ATTENTIONS, MAX_POOLS
from ..sources.layers.reading import Reading, read_operators
from ..sources.nodes.windows import stored_windows
from ..sources.onnx_files.onnx import load_onnx
from ..sources.tracing.exported import export_module
from ..sources.tracing.pt2 import load_pt2
from ..sources.tracing.python import FUNCTION, build_model
from .gradient_products import flat, input_gradient
from .host_passes import HostOperation, attention_softmax, host_operation, host_passes

EXPECTED = "expected zoo:NAME, module:function, or a file that ends in .pt2 or .onnx"
#: Kinds of layers whose gradients are products of the kinds that are priced.
_KINDS = (LayerKind.CONVOLUTION, LayerKind.GROUPED, LayerKind.DEPTHWISE, LayerKind.LINEAR, LayerKind.MATMUL)
#: What a batch norm keeps and no optimiser changes.
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkLayer:
    """A layer with its convolution of one image.

    Attributes:
        images: of a step that share its weight. repeats: how often all of that comes, with other operands.
        first: whether it is the model's first convolution. wanted: whether the gradient of its input is needed.
        masked: whether the machine applies the derivative of the clamp that makes its input.
        pool: windows that follow it, of which the machine stores the largest sums with their places.
    """

    layer: ModelLayer
    workload: Convolution
    images: int
    repeats: int
    first: bool
    wanted: bool
    masked: bool = False
    pool: Pool | None = None

    @property
    def weights(self) -> int:
        """Elements of its weight; 0 if it has none."""
        return self.workload.gemm.c * self.workload.c_out if self.layer.stored else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedNetwork:
    """Layers in their order, the host's bytes, and the elements that the optimiser updates."""

    name: str
    batch: int
    layers: tuple[NetworkLayer, ...]
    host: tuple[HostPass, ...]
    weights: int


def read_network(
    source: str, batch: int, *, seed: int = 0, tokens: int | None = None, stores: bool = False
) -> TrainedNetwork:
    """The network that a source names, for a step of `batch` examples. Values of weights are not looked at.

    Args:
        stores: as for `trained_network`.

    Raises:
        InputError: the source cannot be read, or has an operator without a backward.
    """
    return trained_network(_graph(source, seed, tokens), source, batch, stores=stores)


def exported(model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object]) -> Graph:
    """A module's operators, with the shapes of its inputs.

    Raises:
        InputError: the module does not export.
    """
    tensors = [item for item in tree_leaves((inputs, kwargs)) if isinstance(item, torch.Tensor)]
    shapes = tuple(tuple(tensor.shape) for tensor in tensors)
    return replace(export_module(model, inputs, kwargs), inputs=shapes)


def trained_network(graph: Graph, name: str, batch: int, *, stores: bool = False) -> TrainedNetwork:
    """A graph of operators as a network to be trained.

    Args:
        stores: whether the machine stores what trains: it zeroes what a layer hands on where its input is 0, if a ReLU
            behind another layer makes that and nothing else reads it, and pools separate windows behind a layer. The
            host does it elsewhere.

    Raises:
        InputError: an operator that has no backward here, or a graph without a layer.
    """
    graph = replace(graph, read=partial(_shape_alone, graph))
    description = describe(graph, name=name)
    _refuse(description)
    readings, constants = read_operators(graph)
    by_name = {layer.name: layer for layer in description.layers}
    given = (argument for reading in readings for argument in reading.operator.args.values())
    readers = Counter(name for argument in given for name in names_of(argument))
    walk = _Walk(by_name, constants, readers, description.batch, batch, stores=stores)
    for reading in readings:
        walk.add(reading)
    results = [value for operator in graph.operators for value in operator.results if value.name in graph.outputs]
    outputs = sum(value.elements for value in results)
    return TrainedNetwork(
        name=name,
        batch=batch,
        layers=tuple(walk.layers),
        host=host_passes(walk.host, outputs, description.batch, batch),
        weights=sum(graph.read(each).numel() for each in graph.used() if not each.endswith(_STATISTICS)),
    )


class _Walk:
    """Goes through the operators in their order; a value has a gradient if a weight had part in it."""

    def __init__(
        self,
        layers: dict[str, ModelLayer],
        constants: Constants,
        readers: Mapping[str, int],
        examples: int,
        batch: int,
        *,
        stores: bool,
    ) -> None:
        self._known, self._constants, self._readers = layers, constants, readers
        self._examples, self._batch = examples, batch
        self._graded: set[str] = set()
        #: Values that one operator reads: those of layers with these' numbers, and those that clamps make of them.
        self._stored: dict[str, int] = {}
        self._clamped: dict[str, HostOperation] = {}
        self._stores = stores
        self._convolutions = 0
        self.layers: list[NetworkLayer] = []
        self.host: list[HostOperation] = []

    def add(self, reading: Reading) -> None:
        operator = reading.operator
        wanted = any(name in self._graded for argument in operator.args.values() for name in names_of(argument))
        alone = {result.name for result in operator.results if self._readers[result.name] == 1}
        for name in reading.names:
            self._add_layer(self._known[name], reading, wanted)
            self._stored |= dict.fromkeys(alone, len(self.layers) - 1)
        if not reading.names:
            found = host_operation(operator, self._constants, self._readers)
            self.host += [] if found is None else [self._pooled(operator, found)]
            if found is not None and len(found.reads) == 1 and found.reads[0] in self._stored:
                self._go_on(found, alone)
        elif operator.base in ATTENTIONS:
            gemm = self.layers[-2].workload.gemm
            self.host.append(
                attention_softmax(gemm.p * gemm.k * self.layers[-2].repeats * self._examples // self._batch)
            )
        if wanted or any(constant is not None for constant in reading.constants):
            self._graded.update(result.name for result in operator.results)

    def _go_on(self, found: HostOperation, alone: set[str]) -> None:
        """What a clamp, or a pooling that the machine does, makes of a layer's values."""
        name = found.reads[0]
        clamp = found if found.base == "relu" else self._clamped.get(name)
        if found is clamp or self.host[-1].placed:
            self._clamped |= {} if clamp is None else dict.fromkeys(alone, clamp)
            self._stored |= dict.fromkeys(alone, self._stored[name])

    def _pooled(self, operator: Operator, found: HostOperation) -> HostOperation:
        """The same, of which the machine does its part if it can: the layer whose values it reads pools them."""
        pool = stored_windows(operator) if self._stores and operator.base in MAX_POOLS else None
        number = self._stored.get(found.reads[0]) if found.reads else None
        if pool is None or number is None:
            return found
        layer = self.layers[number]
        if layer.pool is not None or not layer.layer.stored:
            return found
        self.layers[number] = replace(layer, pool=pool)
        return replace(found, placed=True)

    def _add_layer(self, layer: ModelLayer, reading: Reading, wanted: bool) -> None:
        workload, images, repeats = _one_example(layer, self._examples, self._batch)
        is_convolution = reading.convolution is not None
        if reading.convolution is not None and reading.convolution.depth is not None:
            raise InputError(f"layer {layer.name}: a convolution of three dimensions has no backward here")
        first = is_convolution and self._convolutions == 0
        self._convolutions += is_convolution
        given = [name for argument in reading.operator.args.values() for name in names_of(argument)]
        clamps = [self._clamped[name] for name in given if name in self._clamped]
        masked = self._stores and bool(clamps) and layer.stored and _lies_as_its_input(layer.name, workload)
        if masked:
            self.host.remove(clamps[0])
        self.layers.append(
            NetworkLayer(
                layer=layer,
                workload=workload,
                images=images,
                repeats=repeats,
                first=first,
                wanted=wanted,
                masked=masked,
            )
        )


def _lies_as_its_input(name: str, conv: Convolution) -> bool:
    """Whether one program stores all of dX, as X lies in memory."""
    return flat(conv) == conv and len(input_gradient(name, conv)) == 1


def _one_example(layer: ModelLayer, examples: int, batch: int) -> tuple[Convolution, int, int]:
    """A layer's convolution of one image, how many images share its weight, and how often that comes."""
    (part,) = layer.parts
    load = part.workload
    if not layer.stored:
        return _line(load.p if isinstance(load, Gemm) else load.gemm.p, load), 1, part.repeats * batch // examples
    if isinstance(load, Gemm):
        pixels = load.p // examples if load.p % examples == 0 else load.p
        return _line(pixels, load), batch * load.p // (examples * pixels), part.repeats
    return replace(load, batch=1), batch * load.batch // examples, part.repeats


def _line(pixels: int, load: Gemm | Convolution) -> Convolution:
    gemm = load if isinstance(load, Gemm) else load.gemm
    return Convolution(batch=1, c_in=gemm.c, c_out=gemm.k, height=1, width=pixels, kernel=(1, 1))


def _refuse(description: ModelDescription) -> None:
    """Complain of the first product whose gradients are not priced.

    Raises:
        InputError: there is one, or no layer at all.
    """
    for each in description.unpriced:
        raise InputError(f"operator {each.operator} ({each.name}): it has no backward here: {each.reason}")
    for layer in description.layers:
        odd = layer.kind not in _KINDS or len(layer.parts) != 1 or layer.whole is not None
        if odd or any(part.in_turn for part in layer.parts):
            kinds = ", ".join(kind.value for kind in _KINDS)
            raise InputError(f"layer {layer.name} ({layer.kind}): it has no backward here; expected {kinds}")
    if not description.layers:
        raise InputError(f"model {description.name}: nothing in it multiplies, so there is nothing to train")


def _shape_alone(graph: Graph, name: str) -> torch.Tensor:
    """A weight without its values: training changes them, and draws its zeros anew."""
    return graph.read(name).to("meta")


def _graph(source: str, seed: int, tokens: int | None) -> Graph:
    """The operators of a source's model; those of the zoo are built without memory for their weights."""
    path = Path(source)
    if tokens is not None and not source.startswith(zoo.PREFIX):
        raise InputError(f"model {source}: a number of tokens belongs to a zoo model")
    if path.suffix == ".pt2":
        return load_pt2(path)
    if path.suffix == ".onnx":
        return load_onnx(path)
    if source.startswith(zoo.PREFIX):
        return exported(*replace(zoo.find(source), shapes_only=True).source(seed, tokens))
    if FUNCTION.fullmatch(source):
        return exported(*build_model(source))
    raise InputError(f"model {source}: {EXPECTED}")
