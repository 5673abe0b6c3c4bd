"""Networks of which programs compute a part and the host the rest: transformers, for one.

Runs of nodes and products of two activations are computed in int8 on the machine. Between them the host computes in
float64: it multiplies what a program wrote by its scale, runs PyTorch's own operators (softmax, norms, additions), and
rounds what the next program reads to int8. This is the definition of the network's results: as programs are exact, so
are they, bit for bit, whoever runs the programs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind

from skipbeat_arch.arrays import FloatArray, Int8Array, Int32Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Tensor

from .calibration import SCORES, exact_inputs, in_float64, is_check, largest_magnitudes
from .graph_oracle import run_graph
from .quantise_graph import QuantisedGraph, quantise_run
from .quantise_layer import activation_scale, product_layer, round_half_up
from .sources.exported import export_program, graph_of
from .sources.maps import Form, Map
from .sources.operation import Operation
from .sources.operators import ATTENTION
from .sources.partition import Run, partition
from .sources.reading import Reading, read_operators

Integers = Int8Array | Int32Array
#: Runs a graph on one image int8 [C, H, W] and returns its output.
Execute = Callable[[Graph, Int8Array], Integers]

_PRODUCTS = frozenset({"matmul", "bmm"})
_ATTENTION = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")


def on_oracle(graph: Graph, x: Int8Array) -> Integers:
    """What a program must give."""
    return run_graph(graph, x)[graph.output]


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedRun:
    """A run of operations with its numbers."""

    operations: Run
    quantised: QuantisedGraph


@dataclass(frozen=True, kw_only=True, eq=False)
class MixedNetwork:
    """A network that is ready to run.

    Attributes:
        program: what the host computes, and in which order.
        runs: by the name of the value that each one makes.
        products: names of the values that are products of two activations.
        largest: magnitudes that set the scales of what the host hands over.
    """

    program: ExportedProgram
    runs: Mapping[str, QuantisedRun]
    products: frozenset[str]
    largest: Mapping[str, float]

    def run(self, inputs: Sequence[torch.Tensor], execute: Execute = on_oracle) -> FloatArray:
        """The network's first result for inputs of the shapes that it was quantised for."""
        walk = _Walk(self, execute)
        with torch.no_grad():
            results = walk.run(*exact_inputs(self.program, inputs))
        kinds = [spec.kind for spec in self.program.graph_signature.output_specs]
        result: FloatArray = results[kinds.index(OutputKind.USER_OUTPUT)].numpy()
        return result


def quantise_mixed(
    model: nn.Module, inputs: tuple[torch.Tensor, ...], kwargs: Mapping[str, torch.Tensor] | None = None
) -> MixedNetwork:
    """Quantise the parts of a network that the machine runs; the inputs calibrate the scales.

    Raises:
        InputError: a network that does not export, a product that is not yet run on the machine (a transposed or
            recurrent one, a mixture of experts), or numbers that are not finite.
    """
    named = kwargs or {}
    program = export_program(model, inputs, named)
    graph = graph_of(program)
    readings, constants = read_operators(graph)
    parts = partition(graph, readings, constants)
    operations = {operation.reading: operation for run in parts.runs for operation in run}
    products = frozenset(_product(reading) for reading in readings if reading.names and reading not in operations)
    largest = largest_magnitudes(program, [*inputs, *named.values()])
    by_number = {operation.number: operation for operation in operations.values()}
    scales: dict[int | str, float] = {}
    runs: dict[str, QuantisedRun] = {}
    for run in parts.runs:
        source = run[0].source
        if isinstance(source.tensor, str):
            scales.setdefault(source.tensor, activation_scale(largest[source.tensor]))
        quantised = quantise_run(run, constants, largest, scales[source.tensor])
        scales |= {operation.number: quantised.scales[operation.name] for operation in run}
        runs[by_number[run[-1].number].result.name] = QuantisedRun(operations=run, quantised=quantised)
    return MixedNetwork(program=program, runs=runs, products=products, largest=largest)


def _product(reading: Reading) -> str:
    operator = reading.operator
    if operator.base not in _PRODUCTS | {ATTENTION} or any(reading.constants):
        raise InputError(f"layer {reading.names[0]}: {operator.title} of this form is priced, but not yet run")
    return operator.results[0].name


class _Inside:
    """Stands for a value inside a run, which is never seen."""


_INSIDE = _Inside()


class _Walk(fx.Interpreter):
    """Runs the program node by node; where a run or a product ends, its value comes from the machine."""

    def __init__(self, network: MixedNetwork, execute: Execute) -> None:
        super().__init__(network.program.graph_module, garbage_collect_values=False)
        self._network, self._execute = network, execute
        self._nodes = {node.name: node for node in network.program.graph_module.graph.nodes}
        operations = [each for run in network.runs.values() for each in run.operations]
        self._results = {each.number: each.result.name for each in operations}
        self._inside = {
            value.name
            for each in operations
            for operator in (each.reading.operator, *each.absorbed)
            for value in operator.results
        }

    def run_node(self, n: fx.Node) -> Any:  # the signature is torch's
        if is_check(n):
            return None
        if n.name in self._network.runs:
            return self._run(self._network.runs[n.name])
        given = [self.env.get(node) for node in n.all_input_nodes]
        if n.name in self._inside or any(isinstance(value, _Inside) for value in given):
            return _INSIDE
        if n.name in self._network.products:
            attention = n.target is torch.ops.aten.scaled_dot_product_attention.default
            return self._attention(n) if attention else self._matmul(n)
        return in_float64(super().run_node(n))

    def _run(self, run: QuantisedRun) -> torch.Tensor:
        graph, last = run.quantised.graph, run.operations[-1]
        x = self._given(run.operations[0].source, run.quantised.input_scale)
        outputs = np.stack([self._execute(graph, image) for image in x])
        real = torch.from_numpy(outputs.astype(np.float64) * run.quantised.logit_scale)
        return _as_value(real, last)

    def _given(self, source: Map, scale: float) -> Int8Array:
        """The int8 maps [images, C, H, W] that a run is given."""
        name = source.tensor if isinstance(source.tensor, str) else self._results[source.tensor]
        value: torch.Tensor = self.env[self._nodes[name]]
        channels, height, width = source.shape
        if value.numel() != source.images * channels * height * width:
            raise InputError(f"value {name}: unequal zeros around a map are priced, but not yet run")
        if source.form is Form.ROWS:
            value = value.reshape(-1, channels).t()
        return _integers(value.reshape(source.images, channels, height, width), scale)

    def _scale(self, node: fx.Node) -> float:
        return activation_scale(self._network.largest[node.name])

    def _matmul(self, n: fx.Node) -> torch.Tensor:
        left, right = n.all_input_nodes
        operands = (self.env[left], self.env[right])
        return self._products(n.name, operands, (self._scale(left), self._scale(right)), self._network.largest[n.name])

    def _attention(self, n: fx.Node) -> torch.Tensor:
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        options = dict(zip(_ATTENTION, args, strict=False)) | kwargs
        query, key, value = (options[name] for name in ("query", "key", "value"))
        scales = [self._scale(node) for node in n.all_input_nodes[:3]]
        largest = self._network.largest
        scores = self._products(
            n.name + SCORES, (query, key.transpose(-1, -2)), (scales[0], scales[1]), largest[n.name + SCORES]
        )
        scores = scores * (options.get("scale") or 1 / math.sqrt(query.shape[-1]))
        mask = options.get("attn_mask")
        if options.get("is_causal"):
            mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
        return self._products(n.name, (scores.softmax(dim=-1), value), (1 / 127, scales[2]), largest[n.name])

    def _products(
        self, name: str, operands: tuple[torch.Tensor, torch.Tensor], scales: tuple[float, float], largest: float
    ) -> torch.Tensor:
        """Products [..., P, C] x [..., C, K] of two activations, one program for each matrix."""
        left, right = operands
        outer = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        x = _integers(left.expand(*outer, *left.shape[-2:]).reshape(-1, *left.shape[-2:]), scales[0])
        w = _integers(right.expand(*outer, *right.shape[-2:]).reshape(-1, *right.shape[-2:]), scales[1])
        units = scales[0] * scales[1]
        out_scale = max(activation_scale(largest), units)
        found = []
        for rows, weight in zip(x, w, strict=True):
            p, c = rows.shape
            layer = product_layer(name, weight, p, units, out_scale)
            given = Tensor(name="input", channels=c, height=1, width=p)
            graph = Graph.of(given, [Node(layer=layer, input="input", output="output")])
            found.append(self._execute(graph, np.ascontiguousarray(rows.T)[:, None])[:, 0].T)
        result = torch.from_numpy(np.stack(found).astype(np.float64) * out_scale)
        return result.reshape(*outer, left.shape[-2], right.shape[-1])


def _integers(values: torch.Tensor, scale: float) -> Int8Array:
    rounded: Int8Array = round_half_up(values.numpy() / scale, -128, 127).astype(np.int8)
    return rounded


def _as_value(maps: torch.Tensor, last: Operation) -> torch.Tensor:
    """Maps [images, C, H, W] in the shape of the value that they are."""
    if last.form is Form.ROWS:
        maps = maps[0, :, 0].t()
    return maps.reshape(last.result.shape)
