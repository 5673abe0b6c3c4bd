"""From a model's operators to its layers, its runs of nodes and what is left to the host."""

from __future__ import annotations

from dataclasses import replace

import torch

from skipbeat_arch.model import LayerKind, LayerPart, ModelDescription, ModelLayer, ModelRun, Unpriced
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Gemm

from ..scheme import Scheme
from .batch import common_batch
from .data_rules import DataRules
from .graphs.constants import Constant, Constants
from .graphs.graph import Graph
from .graphs.operators import ATTENTIONS, EINSUM, RECURRENT
from .layers.attention_reader import AttentionReader
from .layers.bilinear import BilinearCall
from .layers.convolutions import ConvolutionCall, workloads
from .layers.experts import expert_layer
from .layers.linear import convolution_of_activations, linear_layer, matmul_layer
from .layers.norm import Norm
from .layers.reading import Reading, read_operators
from .nodes.host import HostOperators
from .nodes.partition import Partition, partition
from .nodes.runs import layer_runs, model_run
from .notes import Notes
from .permuting.permuted_weights import permuted_weights
from .permuting.pruning_orders import PruningOrders, pruning_orders
from .pruned_weights.weight_arrays import Weight
from .pruned_weights.zeros import KnownZeros, Measured, ZeroReader


def describe(
    graph: Graph,
    *,
    name: str,
    scheme: Scheme | None = None,
    seed: int = 0,
    stated: Pattern | None = None,
    rules: DataRules | None = None,
    known: KnownZeros | None = None,
) -> ModelDescription:
    """The layers of a graph with their zeros, as they run, and the operators that the array cannot run.

    Args:
        rules: what depends on data; None: experts take turns, and attention computes every score.
        known: zeros that were measured for another graph of the same model; None: nothing.

    Raises:
        InputError: a weight that is not finite, a layer without elements, or a scheme that names no layer.
    """
    orders = PruningOrders() if scheme is None else pruning_orders(graph, scheme)
    graph = permuted_weights(graph, orders)
    readings, constants = read_operators(graph)
    notes = Notes()
    zeros = ZeroReader(scheme, seed, stated, notes, known)
    parts = partition(graph, readings, constants)
    builder = _Builder(graph, constants, parts, scheme, zeros, notes, orders, rules or DataRules())
    for reading in readings:
        builder.add(reading)
    return builder.finish(name)


class _Builder:
    def __init__(
        self,
        graph: Graph,
        constants: Constants,
        parts: Partition,
        scheme: Scheme | None,
        zeros: ZeroReader,
        notes: Notes,
        orders: PruningOrders,
        rules: DataRules,
    ) -> None:
        self._graph, self._constants, self._scheme, self._orders = graph, constants, scheme, orders
        self._zeros, self._notes, self._rules = zeros, notes, rules
        for note in graph.notes:
            self._notes.add(note)
        if scheme is not None and scheme.permute and not orders.weights:
            self._notes.add("no channels were permuted: none lie inside a run of nodes, with weights that may move")
        self._operations = {operation.reading: operation for run in parts.runs for operation in run}
        self._ends = {run[-1].reading: run for run in parts.runs}
        self._host = HostOperators(parts)
        self._attention = AttentionReader(graph, rules.attention, constants, notes)
        self._layers: dict[str, ModelLayer] = {}
        self._unpriced: list[Unpriced] = []
        self._runs: list[ModelRun] = []
        self._convolutions = 0

    def add(self, reading: Reading) -> None:
        operator = reading.operator
        if reading.left:
            self._leave(reading)
        elif reading.names:
            layers = self._made(reading)
            self._layers |= {layer.name: layer for layer in layers}
            if reading not in self._operations:
                self._runs += [run for layer in layers for run in layer_runs(layer)]
        else:
            self._host.add(operator)
        if reading in self._ends:
            self._runs.append(model_run(self._ends[reading], self._layers))

    def finish(self, name: str) -> ModelDescription:
        layers = tuple(replace(layer, kept=self._zeros.kept.get(layer.name)) for layer in self._layers.values())
        if self._scheme is not None:
            self._scheme.check(layer.name for layer in layers if layer.stored)
        return ModelDescription(
            name=name,
            layers=layers,
            host_operators=self._host.list(),
            notes=self._notes.texts(),
            batch=common_batch(self._graph.inputs),
            runs=tuple(self._runs),
            unpriced=tuple(self._unpriced),
        )

    def _made(self, reading: Reading) -> list[ModelLayer]:
        """The layers of an operator, in their order."""
        if reading.convolution is not None:
            return [self._convolution(reading, reading.convolution)]
        if reading.product is not None:
            return [self._product(reading)]
        if reading.experts is not None:
            (name,), constant = reading.names, _stored(reading.constants[0])
            return [expert_layer(self._zeros, self._notes, self._rules.routing, name, reading.experts, constant)]
        if reading.bilinear is not None:
            return self._bilinear(reading, reading.bilinear)
        if reading.operator.base in ATTENTIONS:
            layers, elements = self._attention.fused(reading)
            self._host.count(reading.names[0], "aten.softmax", elements)
            return layers
        return self._recurrent(reading)

    def _convolution(self, reading: Reading, call: ConvolutionCall) -> ModelLayer:
        name, constant = reading.names[0], reading.constants[0]
        parts = workloads(name, call)
        groups = call.groups
        shape = (groups, call.c_out // groups, call.c_in // groups, *call.kernel)
        sizes = "x".join(map(str, reading.operator.value("weight").shape)) + f" on {call.size[0]}x{call.size[1]}"
        if constant is None:
            return convolution_of_activations(name, _kind(call), shape, parts, sizes)

        def read() -> torch.Tensor:
            weight = constant.read()
            if call.transposed:
                return weight.reshape(groups, shape[2], shape[1], *call.kernel).transpose(1, 2)
            return weight.reshape(shape)

        found = self._measure(
            reading,
            Weight(
                name=name,
                kind=_kind(call),
                shape=shape,
                read=read,
                first=self._convolutions == 0,
                parts=tuple(part.taps for part in parts),
            ),
        )
        self._convolutions += 1
        layer_parts = tuple(
            LayerPart(workload=replace(part.workload, order=found.order), weight=zeros, met=part.met)
            for part, zeros in zip(parts, found.parts, strict=True)
        )
        return ModelLayer(
            name=name, kind=_kind(call), parts=layer_parts, shape=sizes, pattern=found.pattern, density=found.density
        )

    def _measure(self, reading: Reading, weight: Weight) -> Measured:
        """The zeros of a weight as the quantiser gives them to the node that has it."""
        operation = self._operations.get(reading)
        if operation is None:
            return self._zeros.measure(weight)
        weight = replace(weight, order=self._orders.inputs.get(weight.name))
        norm = operation.norm

        def factor() -> torch.Tensor | None:
            return None if norm is None else Norm.read(norm, self._constants).factor

        return self._zeros.measure(replace(weight, factor=factor, shared=operation.raw))

    def _product(self, reading: Reading) -> ModelLayer:
        name, product, constant = reading.names[0], reading.product, reading.constants[0]
        assert product is not None
        if constant is None:
            if reading.operator.base == EINSUM:
                return matmul_layer(name, p=product.p, c=product.c, k=product.k, repeats=product.repeats)
            return self._attention.of_activations(reading, product)

        def read() -> torch.Tensor:
            return product.matrices(constant.read()).transpose(1, 2)

        operation = self._operations.get(reading)
        if operation is None:
            return linear_layer(
                self._zeros, name, p=product.p, c=product.c, k=product.k, read=read, count=product.repeats
            )
        shape, batch = operation.source.shape, operation.source.images
        on_map = operation.workload.kernel != (1, 1)
        sizes = shape if on_map else (product.c, 1, 1)
        found = self._measure(
            reading,
            Weight(
                name=name,
                kind=LayerKind.LINEAR,
                shape=(1, product.k, *sizes),
                read=lambda: read().reshape(1, product.k, *sizes),
            ),
        )
        workload = (
            replace(operation.workload, batch=batch, order=found.order)
            if on_map
            else Gemm(p=product.p, c=product.c, k=product.k)
        )
        return ModelLayer(
            name=name,
            kind=LayerKind.LINEAR,
            parts=(LayerPart(workload=workload, weight=found.parts[0]),),
            shape=f"{product.k}x{product.c} on {product.p}",
            pattern=found.pattern,
            density=found.density,
        )

    def _bilinear(self, reading: Reading, call: BilinearCall) -> list[ModelLayer]:
        """The product with the weight, and that of its result with the second operand, row by row."""
        (first, second), constant = reading.names, _stored(reading.constants[0])
        k, i, j = call.sizes

        def read() -> torch.Tensor:
            return constant.read().transpose(1, 2).reshape(k * j, i)

        return [
            linear_layer(self._zeros, first, p=call.p, c=i, k=k * j, read=read),
            matmul_layer(second, p=k, c=j, k=1, repeats=call.p),
        ]

    def _recurrent(self, reading: Reading) -> list[ModelLayer]:
        operator = reading.operator
        gates = RECURRENT[operator.base] * operator.results[0].elements
        self._host.count(operator.module or operator.base, f"aten.{operator.base} (gates)", gates)
        return [
            linear_layer(
                self._zeros,
                name,
                p=product.p,
                c=product.weight.shape[1],
                k=product.weight.shape[0],
                read=_stored(constant).read,
                steps=product.repeats,
                kept=product.alone,
            )
            for name, product, constant in zip(reading.names, reading.steps, reading.constants, strict=True)
        ]

    def _leave(self, reading: Reading) -> None:
        """A product that the array cannot run, or what may be one: a reader is told."""
        operator = reading.operator
        stored = self._constants.elements(operator.values())
        found = Unpriced(
            name=operator.module or operator.title.removeprefix("aten."),
            operator=operator.title,
            reason=reading.left,
            elements=sum(result.elements for result in operator.results),
            parameters=stored,
            share=stored / max(1, self._constants.elements()),
        )
        self._unpriced.append(found)


def _stored(constant: Constant | None) -> Constant:
    assert constant is not None
    return constant


def _kind(call: ConvolutionCall) -> LayerKind:
    if call.transposed:
        return LayerKind.TRANSPOSED
    if call.groups == 1:
        return LayerKind.CONVOLUTION
    return LayerKind.DEPTHWISE if call.groups == call.c_in else LayerKind.GROUPED
