"""From a module of torch to a network that trains in integers."""

from __future__ import annotations

import operator
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import fx, nn

from skipbeat_arch.errors import InputError, described

from ..pruners.group_windows import zero_padding
from ..pruners.layers import layer_kind
from .host_operators import Addition, Average, BatchNorm, HostOperator, MaxPool, Relu, stored_windows
from .matrix_layer import MatrixLayer
from .trained_layer import SeedSource, TrainedLayer
from .training_graph import Place, TrainingGraph
from .training_patterns import TrainingPatterns
from .training_products import Geometry, Products, Shape
from .vectors import Vectors

_ADDITIONS = (operator.add, operator.iadd, torch.add)
_EXPECTED = "Conv2d, Linear, ReLU, MaxPool2d, BatchNorm2d, AdaptiveAvgPool2d(1), Flatten or an addition"


class _Shapes(fx.Interpreter):
    """Runs a network and notes `of` each node that makes a tensor its shape; torch's own prints a traceback."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.of: dict[fx.Node, Shape] = {}
        self.extra_traceback = False

    def run_node(self, n: fx.Node) -> Any:
        """As the interpreter's."""
        found = super().run_node(n)
        if isinstance(found, torch.Tensor):
            self.of[n] = tuple(found.shape)
        return found


class GraphBuilder:
    """Builds the network of a module that reads images [N, *shape]; `noted`: its maps are stored by noted STOREs.

    Raises:
        InputError: it cannot be traced, has an operator without a backward pass here, or a glob of a scheme matches no
            layer.
    """

    def __init__(
        self,
        source: str,
        module: nn.Module,
        shape: Shape,
        patterns: TrainingPatterns,
        vectors: Vectors,
        seeds: SeedSource,
        products: Products,
        *,
        noted: bool = False,
    ) -> None:
        self._source, self._patterns, self._products = source, patterns, products
        self._trained = partial(TrainedLayer, vectors=vectors, seeds=seeds, noted=noted)
        try:
            self._traced = fx.symbolic_trace(deepcopy(module).eval())
        except Exception as error:  # the module's own code runs, on values that it may not expect
            raise InputError(f"model {source}: cannot be traced: {described(error)}") from None
        self._shapes = _Shapes(self._traced)
        try:
            self._shapes.run(torch.zeros(1, *shape))
        except Exception as error:
            size = "x".join(map(str, (1, *shape)))
            raise InputError(f"model {source}: cannot read images of {size}: {described(error)}") from None
        self._values: dict[fx.Node, int] = {}
        self._places: list[Place] = []
        modules = {node: self._module(node) for node in self._traced.graph.nodes}
        layers = {
            node: str(node.target) for node, module in modules.items() if isinstance(module, nn.Conv2d | nn.Linear)
        }
        self._first = next((node for node in layers if isinstance(modules[node], nn.Conv2d)), None)
        self._last = next(reversed(layers), None)
        for scheme in (patterns.forward, patterns.backward):
            scheme.check(layers.values())

    def build(self) -> TrainingGraph:
        """The network."""
        for node in self._traced.graph.nodes:
            if node.op == "placeholder" and not self._values:
                self._values[node] = 0
            elif node.op != "output":
                self._add(node)
        last = self._places[-1].operator if self._places else None
        if not isinstance(last, TrainedLayer):
            raise InputError(f"model {self._source}: expected a network that ends in a Linear or Conv2d layer")
        self._join()
        return TrainingGraph(self._places)

    def _add(self, node: fx.Node) -> None:
        module, given = self._module(node), node.all_input_nodes
        if isinstance(module, nn.Flatten | nn.Identity):
            self._values[node] = self._values[given[0]]
            return
        if isinstance(module, nn.ReLU) and self._clamps(given[0]):
            self._values[node] = self._values[given[0]]
            return
        if isinstance(module, nn.MaxPool2d) and self._pools(given[0], module):
            self._values[node] = self._values[given[0]]
            return
        if isinstance(module, nn.Conv2d | nn.Linear):
            made: TrainedLayer | HostOperator | None = self._layer(node, module)
        else:
            made = _host_operator(node, module)
        if made is None:
            what = type(module).__name__ if module else getattr(node.target, "__name__", node.target)
            raise InputError(f"model {self._source}: {what} has no backward pass here; expected {_EXPECTED}")
        self._places.append(Place(made, tuple(self._values[each] for each in given)))
        self._values[node] = len(self._places)

    def _clamps(self, given: fx.Node) -> bool:
        """Whether the layer that makes a value takes the clamp over: nothing else reads what it makes."""
        before = self._alone(given)
        if before is None:
            return False
        before.clamps = True
        return True

    def _pools(self, given: fx.Node, module: nn.MaxPool2d) -> bool:
        """Whether the layer that makes a value takes the pooling over, as the machine can: then likewise."""
        before, pool = self._alone(given), stored_windows(module)
        if before is None or before.pool is not None or pool is None:
            return False
        before.pool = pool
        return True

    def _alone(self, given: fx.Node) -> TrainedLayer | None:
        """The layer that makes a value, if only one operator reads it."""
        number = self._values[given]
        before = self._places[number - 1].operator if number else None
        return before if isinstance(before, TrainedLayer) and len(given.users) == 1 else None

    def _layer(self, node: fx.Node, module: nn.Conv2d | nn.Linear) -> TrainedLayer:
        name, weight = str(node.target), module.weight.detach().double()
        geometry = Geometry()
        if isinstance(module, nn.Linear):
            weight = weight.reshape(len(weight), *self._map(node.all_input_nodes[0]))
        else:
            (down, across), (low, along) = module.stride, module.dilation
            padding = zero_padding(name, module)
            geometry = Geometry(stride=(down, across), padding=padding, dilation=(low, along), groups=module.groups)
        bias = None if module.bias is None else module.bias.detach().double().numpy()
        first = isinstance(module, nn.Conv2d) and node is self._first
        patterns = self._patterns.of_layer(name, layer_kind(module), first=first, last=node is self._last)
        return self._trained(MatrixLayer(name, weight.numpy(), bias, geometry, patterns, self._products))

    def _map(self, node: fx.Node) -> Shape:
        """Channels, height and width of what a linear layer reads, before it was flattened."""
        while isinstance(self._module(node), nn.Flatten):
            node = node.all_input_nodes[0]
        channels, *size = self._shapes.of[node][1:]
        return channels, *(size or (1, 1))

    def _join(self) -> None:
        """Tell each layer what is before and behind it."""
        readers: dict[int, list[Place]] = {}
        for place in self._places:
            for value in place.inputs:
                readers.setdefault(value, []).append(place)
        for number, place in enumerate(self._places, 1):
            layer = place.operator
            if not isinstance(layer, TrainedLayer):
                continue
            behind = [each.operator for each in readers.get(number, [])]
            layer.compared = any(isinstance(each, MaxPool) for each in behind)
            stored = layer.clamps or layer.compared or layer.pool is not None
            layer.raw = not (stored or any(isinstance(each, TrainedLayer) for each in behind))
            (value,) = place.inputs
            layer.first = value == 0
            before = self._places[value - 1].operator if value else None
            if isinstance(before, TrainedLayer) and before.clamps and len(readers[value]) == 1:
                layer.masked_by = before

    def _module(self, node: fx.Node) -> nn.Module | None:
        return self._traced.get_submodule(str(node.target)) if node.op == "call_module" else None


def _host_operator(node: fx.Node, module: nn.Module | None) -> HostOperator | None:
    if node.op == "call_function" and node.target in _ADDITIONS and len(node.all_input_nodes) == 2:
        return Addition()
    if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
        return Average()
    if isinstance(module, nn.BatchNorm2d) and module.affine:
        return BatchNorm(module)
    if isinstance(module, nn.MaxPool2d):
        return MaxPool(module)
    return Relu() if isinstance(module, nn.ReLU) else None
