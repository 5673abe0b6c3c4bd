"""Tensors that follow from the weights alone, such as `weight * mask`: they are computed when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch

from skipbeat_arch.errors import InputError

from ..checkpoints.masked import masked_reader
from .folding import MULTIPLYING, compute, is_pure, needed
from .graph import Graph, Operator, Value
from .operators import EINSUM, PRODUCTS, RECURRENT, VIEWS
from .products import operands

#: A tensor of more elements is not computed ahead of time.
_MOST_ELEMENTS = 1 << 31


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor that can be computed from the weights.

    Attributes:
        weights: names of the weights that it follows from, the largest first and masks last.
        read: its values; raises InputError if they contradict the graph.
    """

    weights: tuple[str, ...]
    read: Callable[[], torch.Tensor]

    def numbers(self) -> torch.Tensor:
        """Its values in a type of floats that NumPy has."""
        found = self.read().detach()
        return found if found.dtype in (torch.float32, torch.float64) else found.float()


class Constants:
    """Which values of a graph follow from stored tensors.

    A product of two stored tensors is one of them if a layer takes what comes of it as its weight, as with an update
    of low rank that is added to a weight. Any other product of stored tensors, such as that of learned queries, runs.
    """

    def __init__(self, graph: Graph) -> None:
        self._read, self._stored = masked_reader(graph.read, graph.stored), graph.weights
        graph = replace(graph, weights=_kept_weights(graph))
        folded = _foldable(graph, None)
        if any(operator.base in MULTIPLYING for operator in folded):
            folded = _foldable(graph, _wanted(graph, folded))
        self._place = {operator: place for place, operator in enumerate(folded)}
        self._maker = {result.name: operator for operator in folded for result in operator.results}
        sizes = {v.name: (v.dtype is torch.bool, -v.elements) for op in graph.operators for v in op.values()}
        order = {weight: sizes.get(value, (False, 0)) for value, weight in graph.weights.items()}
        self._elements = {weight: -size for weight, (_, size) in order.items()}
        self._follows: dict[str, tuple[str, ...]] = {value: (weight,) for value, weight in graph.weights.items()}
        for operator in folded:
            names = dict.fromkeys(name for value in needed(operator) for name in self._follows[value.name])
            found = tuple(sorted(names, key=lambda name: (name.endswith("mask"), *order[name])))
            self._follows.update(dict.fromkeys((result.name for result in operator.results), found))

    def find(self, value: Value) -> Constant | None:
        """The constant that a value is."""
        weights = self._follows.get(value.name)
        return Constant(weights, partial(self._value, value)) if weights else None

    def table(self, value: Value) -> torch.Tensor | None:
        """A tensor that no data changes: stored, or made of numbers alone; None: it is none, or has no numbers."""
        found = self._value(value) if value.name in self._follows else None
        return None if found is None or found.is_meta else found

    def elements(self, values: Iterable[Value] | None = None) -> int:
        """Of the stored tensors that some values follow from, each counted once; of all that are used, without."""
        names = None if values is None else {name for value in values for name in self._follows.get(value.name, ())}
        return sum(size for name, size in self._elements.items() if names is None or name in names)

    def once(self, value: Value) -> tuple[Value, Constant] | None:
        """A constant without its copies along axes that it was stretched to; None: it has none."""
        constant = self.find(value)
        if constant is None or value.name not in self._maker:
            return None
        try:
            strides = self._value(value, torch.device("meta")).stride()
        except (RuntimeError, NotImplementedError, TypeError, ValueError):
            return None  # what the shapes alone do not tell
        axes = [axis for axis, stride in enumerate(strides) if stride == 0 and value.shape[axis] > 1]
        if not axes:
            return None
        shape = tuple(1 if axis in axes else size for axis, size in enumerate(value.shape))

        def read() -> torch.Tensor:
            found = constant.read()
            for axis in axes:
                found = found.narrow(axis, 0, 1)
            return found

        return replace(value, name=f"{value.name} once", shape=shape), Constant(constant.weights, read)

    def has(self, operator: Operator) -> bool:
        """Whether an operator's results are constants."""
        return operator in self._place and bool(self._follows[operator.results[0].name])

    def _value(self, value: Value, device: torch.device | None = None) -> torch.Tensor:
        """Computes a value, and what it follows from, in the order of the graph; on the meta device its form alone."""
        operators, known = self._ancestors(value)
        if device is not None:
            known = {name: tensor.to(device) for name, tensor in known.items()}
        elif any(tensor.is_meta for tensor in known.values()):
            return torch.empty(value.shape, device="meta")
        with torch.no_grad():
            for operator in operators:
                results = compute(operator, known)
                known |= {result.name: each for result, each in zip(operator.results, results, strict=False)}
        found = known[value.name]
        if operators and tuple(found.shape) != value.shape:
            raise InputError(f"weight {value.name}: its shape is {tuple(found.shape)}; expected {value.shape}")
        return found.detach()

    def _ancestors(self, value: Value) -> tuple[list[Operator], dict[str, torch.Tensor]]:
        """The operators that make a value, in their order, and the stored tensors that they take."""
        makers: set[Operator] = set()
        stored: dict[str, torch.Tensor] = {}
        left = [value.name]
        while left:
            name = left.pop()
            maker = self._maker.get(name)
            if maker is None and name not in stored:
                stored[name] = _strided(self._read(self._stored[name]))
            elif maker is not None and maker not in makers:
                makers.add(maker)
                left += [operand.name for operand in needed(maker)]
        return sorted(makers, key=self._place.__getitem__), stored


def _strided(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor that lies as others do, not as its nonzero values."""
    return tensor if tensor.layout is torch.strided else tensor.to_dense()


def _kept_weights(graph: Graph) -> dict[str, str]:
    """The stored tensors but for those that are overwritten, perhaps through a view: a cache of keys, for one."""
    memory = {value: value for value in graph.weights}
    written = set[str]()
    for operator in graph.operators:
        given = next((memory[value.name] for value in operator.values()[:1] if value.name in memory), None)
        if given is None:
            continue
        if operator.in_place:
            written.add(given)
        if operator.in_place or operator.base in VIEWS:
            memory.update((result.name, given) for result in operator.results)
    return {value: weight for value, weight in graph.weights.items() if value not in written}


def _foldable(graph: Graph, products: Collection[Operator] | None) -> list[Operator]:
    """The operators that can be computed ahead of time.

    Args:
        products: which products may be among them; None: all that are no layer of their own.
    """
    known, follows = set(graph.weights), set(graph.weights)  # a table that is made, as of positions, follows from none
    found = []
    for operator in graph.operators:
        if not operator.results or not is_pure(operator):
            continue
        product = operator.base in MULTIPLYING
        if product and not _may_fold(operator, graph.weights, products):
            continue
        names = {value.name for value in needed(operator)}
        small = all(result.elements <= _MOST_ELEMENTS for result in operator.results)
        if small and names <= (follows if product else known):
            results = [result.name for result in operator.results]
            known.update(results)
            follows.update(results if names & follows else ())
            found.append(operator)
    return found


def _may_fold(operator: Operator, weights: Mapping[str, str], products: Collection[Operator] | None) -> bool:
    """Whether a product may be computed ahead; not the call of a layer that has the weight, on what it is given."""
    if products is not None:
        return operator in products
    weight = operator.args.get("weight")
    own = isinstance(weight, Value) and weights.get(weight.name) == f"{operator.module}.weight".lstrip(".")
    return not own and (operator.base != "linear" or len(operator.value("input").shape) <= 2)


def _wanted(graph: Graph, folded: Iterable[Operator]) -> set[Operator]:
    """Those of the products that make a layer's weight or bias."""
    able, found, wanted = set(folded), set(), set[str]()
    known = {result.name for operator in able for result in operator.results} | set(graph.weights)
    for operator in reversed(graph.operators):
        made = operator in able and any(result.name in wanted for result in operator.results)
        if made:
            wanted.update(value.name for value in needed(operator))
            if operator.base in MULTIPLYING:
                found.add(operator)
        elif operator not in able or operator.base in MULTIPLYING:
            wanted.update(value.name for value in _weights_of(operator, known))
    return found


def _weights_of(operator: Operator, known: Collection[str]) -> list[Value]:
    """The operands of a layer that are no activations."""
    if operator.base in RECURRENT or operator.args.get("weight") is not None:
        return operator.values()[1:]
    given = operands(operator) if operator.base in PRODUCTS or operator.base == EINSUM else None
    if given is None:
        return []
    others = [value for value in operator.values() if value not in given]
    return [*others, given[1] if given[1].name in known else given[0]]
