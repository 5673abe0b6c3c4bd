"""In which order the channels inside a network let N:M pruning keep the most of its weights.

Pool and Yu, "Channel permutations for N:M sparsity", NeurIPS 2021: permuting the input channels of a layer, and the
outputs of those before it alike, changes nothing but which weights share a group. A tensor that an operator of the
host or the network's caller sees keeps its order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from skipbeat_arch.arrays import Floats, Indices
from skipbeat_arch.channels.channel_classes import ChannelClass, channel_classes
from skipbeat_arch.channels.swap_search import View, swap_search
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern

from ...scheme import Scheme
from ..checkpoints.masked import BESIDE
from ..graphs.graph import Argument, Graph, Value
from ..layers.norm import OF_CHANNELS
from ..layers.reading import bias_of, read_operators
from ..nodes.operation import Kind, Operation
from ..nodes.partition import Run, partition
from ..nodes.runs import computed, structure
from ..nodes.weights import stored_weight
from .kept_view import KeptView

#: Elements that are looked at for tensors of one order: less than a second.
MOST_WORK = 100_000_000
#: Columns of a weight that are looked at; of more a part is drawn.
MOST_COLUMNS = 8192
#: See `swap_search`; with so many the best order of 8 channels is found.
KICKS = 30

#: A stored weight and the axis that its channels lie along.
_Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class PruningOrders:
    """What is permuted.

    Attributes:
        weights: by the names of stored weights, for each axis that is permuted what comes to each place.
        inputs: for layers by their names, the order of their input channels.
    """

    weights: dict[str, dict[int, Indices]] = field(default_factory=dict)
    inputs: dict[str, Indices] = field(default_factory=dict)


def pruning_orders(graph: Graph, scheme: Scheme) -> PruningOrders:
    """Orders of channels for which magnitude pruning to a scheme keeps more; empty unless it asks for them.

    Weights that are used twice, computed from others, masked or without values keep their order, and so do layers
    whose groups reach from one kernel tap into the next.
    """
    found = PruningOrders()
    if not scheme.permute:
        return found
    readings, constants = read_operators(graph)
    finder = _Finder(graph, scheme, next((each.names[0] for each in readings if each.convolution is not None), ""))
    for run in partition(graph, readings, constants).runs:
        if len(run) > 1:
            shape = structure(run)
            for each in channel_classes(shape):
                if not {shape.input, shape.output} & set(each.tensors):
                    finder.add(each, run, found)
    return found


class _Finder:
    def __init__(self, graph: Graph, scheme: Scheme, first: str) -> None:
        self._graph, self._scheme, self._first = graph, scheme, first
        self._uses = Counter(value.name for operator in graph.operators for value in operator.values())

    def add(self, each: ChannelClass, run: Run, found: PruningOrders) -> None:
        """Notes the order of a class if there is one that keeps more."""
        nodes = computed(run)
        readers = [nodes[number] for number in each.readers if nodes[number].kind is Kind.LAYER]
        patterns = [self._pattern(reader) for reader in readers]
        places = self._places(each, run, readers)
        if places is None or not all(map(_in_taps, readers, patterns)):
            return
        pairs = zip(readers, patterns, strict=True)
        pruned = [(reader, pattern) for reader, pattern in pairs if pattern is not None and pattern.kind == "nm"]
        views = [view for reader, pattern in pruned if (view := _view(reader, pattern)) is not None]
        if not views or len(views) < len(pruned):
            return
        order = swap_search(each.channels, views, most_work=MOST_WORK, kicks=KICKS)
        if (order == np.arange(each.channels)).all():
            return
        for name, axis in places:
            size = self._graph.read(name).shape[axis] // each.channels  # of a map that is flattened, its pixels
            whole = (order[:, None] * size + np.arange(size)).ravel()
            found.weights.setdefault(name, {})[axis] = whole
        found.inputs.update({reader.name: order for reader in readers})

    def _pattern(self, operation: Operation) -> Pattern | None:
        """What a layer is pruned to."""
        kind = LayerKind.LINEAR if operation.reading.product is not None else LayerKind.CONVOLUTION
        return self._scheme.pattern(operation.name, kind, first=operation.name == self._first)

    def _places(self, each: ChannelClass, run: Run, readers: Sequence[Operation]) -> list[_Place] | None:
        """Every place of the class's channels in stored weights; None: one of them cannot be permuted."""
        nodes = zip(computed(run), structure(run).nodes, strict=True)
        writers = [made for made, node in nodes if node.output in each.tensors and made.weighted]
        if not all(_two_axes(layer) for layer in (*writers, *readers)):
            return None
        channels = [(weight, axis) for weight, _, axis in map(_weight_axes, readers)]
        for writer in writers:
            channels += _output_places(writer)
        names = [(self._graph.weights.get(value.name), value, axis) for value, axis in channels]
        if any(name is None or self._uses[value.name] != 1 or self._masked(name) for name, value, _ in names):
            return None
        return [(name, axis) for name, _, axis in names if name is not None]

    def _masked(self, name: str) -> bool:
        module = name.rpartition(".")[0]
        return any(f"{module}.{mask}".lstrip(".") in self._graph.stored for mask in BESIDE)


def _two_axes(operation: Operation) -> bool:
    """Whether a layer is a convolution, or a product whose weight has an axis of inputs and one of outputs."""
    product = operation.reading.product
    return product is None or (len(product.right.shape) == 2 and product.columns.shape == product.right.shape)


def _weight_axes(operation: Operation) -> tuple[Value, int, int]:
    """The weight of a layer with its axes of outputs and of inputs."""
    reading = operation.reading
    if reading.product is None:
        return reading.operator.value("weight"), 0, 1
    inputs, outputs = reading.product.columns.order
    return reading.product.right, outputs, inputs


def _output_places(operation: Operation) -> list[tuple[Value, int]]:
    """What a layer has for each of its output channels, with the axis along which they lie."""
    channels, norm = operation.workload.c_out, operation.norm
    values: list[Argument] = [*operation.biases]
    places = list[tuple[Value, int]]()
    if operation.kind is Kind.LAYER:
        weight, axis, _ = _weight_axes(operation)
        places.append((weight, axis))
        values.append(bias_of(operation.reading.operator))
    values += [norm.args.get(name) for name in OF_CHANNELS] if norm is not None else []
    vectors = [value for value in values if isinstance(value, Value) and value.elements > 1]
    return places + [(value, value.shape.index(channels)) for value in vectors]


def _in_taps(operation: Operation, pattern: Pattern | None) -> bool:
    """Whether groups of N:M lie within a kernel tap; what is no N:M must not depend on the order."""
    if pattern is None or pattern.kind == "unstructured":
        return True
    load = operation.workload
    return pattern.kind == "nm" and (load.kernel == (1, 1) or load.c_in % pattern.m == 0)


def _view(operation: Operation, pattern: Pattern) -> tuple[View, float] | None:
    """What an order means for a layer, with what its columns stand for; None: it has no values."""
    weight = stored_weight(operation)
    if weight.is_meta:
        return None
    values: Floats = weight.numpy()
    columns = np.abs(values).transpose(1, 2, 3, 0).reshape(values.shape[1], -1)
    count = columns.shape[1]
    if count <= MOST_COLUMNS:
        return KeptView(columns, pattern), 1.0
    drawn = np.sort(np.random.default_rng(0).choice(count, MOST_COLUMNS, replace=False))
    return KeptView(columns[:, drawn], pattern), count / MOST_COLUMNS
