"""From a model's operators to its layers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import prod

import torch

from skipbeat_arch.model import LayerKind, LayerPart, ModelDescription, ModelLayer
from skipbeat_arch.pattern import Pattern

from ..scheme import Scheme
from .batch import common_batch
from .constants import Constant, Constants
from .convolutions import ConvolutionCall, read_call, workloads
from .graph import Graph, Operator, Value
from .host import HostOperators
from .linear import linear_layer, matmul_layer, stacked_layer
from .notes import Notes
from .operators import ATTENTION, CONVOLUTIONS, EINSUM, PRODUCTS, RECURRENT, TRANSPOSED
from .products import operands, read_product
from .recurrent import steps
from .zeros import Weight, ZeroReader

#: What is left of a weight's name after its module's, for a weight that is the module's own.
_OWN = ("parametrizations.weight.original", "weight_orig", "weight")


def describe(
    graph: Graph, *, name: str, scheme: Scheme | None = None, seed: int = 0, stated: Pattern | None = None
) -> ModelDescription:
    """The layers of a graph with their zeros, and the operators that the array cannot run.

    Raises:
        InputError: a weight that is not finite, a layer without elements, or a scheme that names no layer.
    """
    builder = _Builder(graph, scheme, seed, stated)
    for operator in graph.operators:
        builder.add(operator)
    return builder.finish(name)


class _Builder:
    def __init__(self, graph: Graph, scheme: Scheme | None, seed: int, stated: Pattern | None) -> None:
        self._graph, self._scheme = graph, scheme
        self._notes = Notes()
        for note in graph.notes:
            self._notes.add(note)
        self._zeros = ZeroReader(scheme, seed, stated, self._notes)
        self._constants = Constants(graph)
        self._host = HostOperators(Counter(value.name for op in graph.operators for value in op.values()))
        self._layers: list[ModelLayer] = []
        self._names: Counter[str] = Counter()
        self._convolutions = 0

    def add(self, operator: Operator) -> None:
        base = operator.base
        if self._constants.add(operator):
            return
        if operator.left:
            self._leave(operator, operator.left)
        elif base in CONVOLUTIONS | TRANSPOSED:
            self._add_convolution(operator)
        elif base in PRODUCTS or base == EINSUM:
            self._add_product(operator)
        elif base == ATTENTION:
            self._add_attention(operator)
        elif base in RECURRENT:
            self._add_recurrent(operator)
        else:
            self._host.add(operator, operator.module or operator.base)

    def finish(self, name: str) -> ModelDescription:
        if self._scheme is not None:
            self._scheme.check(layer.name for layer in self._layers if layer.stored)
        return ModelDescription(
            name=name,
            layers=tuple(self._layers),
            host_operators=self._host.list(),
            notes=self._notes.texts(),
            batch=common_batch(self._graph.inputs),
        )

    def _add_convolution(self, operator: Operator) -> None:
        call, constant = read_call(operator), self._constants.find(operator.value("weight"))
        if call is None or constant is None:
            self._leave(operator, "three dimensions" if call is None else "its weight is computed from activations")
            return
        name = self._name(operator, constant)
        parts = workloads(name, call)
        kind = _kind(call)
        groups = call.groups
        shape = (groups, call.c_out // groups, call.c_in // groups, *call.kernel)

        def read() -> torch.Tensor:
            weight = constant.read()
            if call.transposed:
                return weight.reshape(groups, shape[2], shape[1], *call.kernel).transpose(1, 2)
            return weight.reshape(shape)

        found = self._zeros.measure(
            Weight(
                name=name,
                kind=kind,
                shape=shape,
                read=read,
                first=self._convolutions == 0,
                parts=tuple(taps for _, taps in parts),
            )
        )
        self._convolutions += 1
        layer_parts = tuple(
            LayerPart(workload=replace(work, order=found.order), weight=zeros)
            for (work, _), zeros in zip(parts, found.parts, strict=True)
        )
        sizes = "x".join(map(str, operator.value("weight").shape)) + f" on {call.size[0]}x{call.size[1]}"
        self._append(
            operator,
            ModelLayer(
                name=name, kind=kind, parts=layer_parts, shape=sizes, pattern=found.pattern, density=found.density
            ),
        )

    def _add_product(self, operator: Operator) -> None:
        given = operands(operator)
        stored = (False, False) if given is None else (self._is_stored(given[0]), self._is_stored(given[1]))
        product = read_product(operator, stored)
        if all(stored):
            return  # computed once, ahead of time
        if product is None or (product.c == 1 and operator.base != "linear"):
            self._host.add(operator, operator.module or operator.base)  # an outer product: nothing is summed up
            return
        constant = self._constants.find(product.right)
        name = self._name(operator, constant)
        if constant is None:
            self._append(operator, matmul_layer(name, p=product.p, c=product.c, k=product.k, repeats=product.repeats))
            return

        def read() -> torch.Tensor:
            return product.matrices(constant.read()).transpose(1, 2)

        self._append(
            operator,
            stacked_layer(self._zeros, name, p=product.p, c=product.c, k=product.k, read=read, count=product.repeats),
        )

    def _is_stored(self, value: Value) -> bool:
        return self._constants.find(value) is not None

    def _add_attention(self, operator: Operator) -> None:
        query, key, value = (operator.value(name).shape for name in ("query", "key", "value"))
        *outer, rows, depth = query
        repeats = prod(outer)
        scores = self._name(operator, None, "query-key")
        self._layers.append(matmul_layer(scores, p=rows, c=depth, k=key[-2], repeats=repeats))
        self._host.count(scores, "aten.softmax", repeats * rows * key[-2])
        weighted = self._name(operator, None, "score-value")
        self._append(operator, matmul_layer(weighted, p=rows, c=key[-2], k=value[-1], repeats=repeats))

    def _add_recurrent(self, operator: Operator) -> None:
        products = steps(operator) if operator.target.endswith(".input") else None
        constants = [self._constants.find(product.weight) for product in products or ()]
        if products is None or None in constants:
            self._leave(operator, "its steps or weights are not those of a plain layer")
            return
        for product, constant in zip(products, constants, strict=True):
            assert constant is not None
            k, c = product.weight.shape
            self._layers.append(
                linear_layer(
                    self._zeros,
                    self._name(operator, constant),
                    p=product.p,
                    c=c,
                    k=k,
                    read=constant.read,
                    repeats=product.repeats,
                )
            )
        gates = RECURRENT[operator.base] * operator.results[0].elements
        self._host.count(operator.module or operator.base, f"aten.{operator.base} (gates)", gates)

    def _append(self, operator: Operator, layer: ModelLayer) -> None:
        self._layers.append(layer)
        self._host.layer_makes(operator.results[0])

    def _leave(self, operator: Operator, reason: str) -> None:
        """A product that the array cannot run: the host does it, and a reader is told why."""
        name = operator.module or operator.base
        self._host.count(name, f"{operator.title} ({reason})", operator.results[0].elements)
        self._notes.add_layer(f"left to the host and not priced: {operator.title}, {reason}", name)

    def _name(self, operator: Operator, constant: Constant | None, suffix: str = "") -> str:
        """The module's name, with what tells its products apart; a second call is numbered."""
        name = operator.module
        weight = next((weight for weight in constant.weights), "") if constant else ""
        if weight.startswith(f"{name}." if name else ""):
            leaf = weight[len(name) + 1 :] if name else weight
            leaf = next((leaf.removesuffix(own) for own in _OWN if f".{leaf}".endswith(f".{own}")), leaf).rstrip(".")
            suffix = leaf or suffix
        elif not constant:
            suffix = suffix or operator.base
        name = f"{name}.{suffix}".strip(".") or operator.base
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}#{self._names[name]}"


def _kind(call: ConvolutionCall) -> LayerKind:
    if call.transposed:
        return LayerKind.TRANSPOSED
    if call.groups == 1:
        return LayerKind.CONVOLUTION
    return LayerKind.DEPTHWISE if call.groups == call.c_in else LayerKind.GROUPED
