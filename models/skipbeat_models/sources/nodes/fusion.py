"""The fusion rule: which operators of a graph become one node of the machine.

A batch normalisation, a bias and a clamp join the layer before them. An addition joins the layer that is computed last
of its operands; of two other tensors it is a node of its own. A max pooling joins what is before it if its windows
neither overlap nor need padding; else it is a node that copies. An average is a depthwise convolution. What is taken
over must be used by nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from skipbeat_arch.workload import one_image

from ..graphs.constants import Constants
from ..graphs.graph import Graph, Operator, Value
from ..graphs.operators import ADDITIONS, BATCH_NORMS, CLAMPS, CONCATENATIONS
from ..layers.convolutions import workloads
from ..layers.norm import OF_CHANNELS
from ..layers.reading import Reading, has_stored_bias
from .concatenation import add_concatenation
from .maps import Form, image_of, is_view, rows_of
from .operation import Kind, Operation
from .operations import Operations
from .pooling import add_pooling
from .windows import PIXEL, clamp_of, depthwise, over_map, over_rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Fusion:
    """The operations in their order, and the operators that are neither part of one, nor layers, nor views."""

    operations: tuple[Operation, ...]
    host: tuple[Operator, ...]


def fuse(graph: Graph, readings: Sequence[Reading], constants: Constants, left: Collection[Operator] = ()) -> Fusion:
    """The operators of a graph as operations.

    Args:
        left: additions that are left to the host.
    """
    fuser = _Fuser(graph, readings, constants, left)
    for index, reading in enumerate(readings):
        fuser.add(index, reading)
    return fuser.finish()


class _Fuser:
    def __init__(
        self, graph: Graph, readings: Sequence[Reading], constants: Constants, left: Collection[Operator]
    ) -> None:
        self._constants, self._left, self._outputs = constants, left, graph.outputs
        self._operations = Operations(graph, readings)
        self._maps = self._operations.maps
        self.host: list[Operator] = []
        self._index = 0

    def finish(self) -> Fusion:
        for operation in self._operations.made:
            for at in operation.inputs:
                maker = self._operations.maker(at)
                if maker is not None:
                    maker.read = True
        return Fusion(operations=tuple(self._operations.made), host=tuple(self.host))

    def add(self, index: int, reading: Reading) -> None:
        """Takes the next operator."""
        operator, self._index = reading.operator, index
        if not operator.results:
            return
        layer = bool(reading.names or reading.left)
        if not (self._add_layer(reading) if layer else self._add_other(reading)):
            if not layer:
                self.host.append(operator)
            for value in operator.values():
                self._operations.needed(self._maps.find(value))
        for result in operator.results:
            operation = self._operations.maker(self._maps.find(result))
            if operation is not None and result.name in self._outputs:
                operation.returned = True

    def _add_other(self, reading: Reading) -> bool:
        """Whether an operator that is no layer belongs to an operation, or is a view."""
        operator = reading.operator
        if is_view(operator) and len(operator.values()) == 1:
            return self._maps.view(operator)
        if operator in self._left or self._overwrites(operator):
            return False
        if operator.base in CONCATENATIONS:
            return add_concatenation(self._operations, reading)
        if operator.base in BATCH_NORMS:
            return self._add_norm(reading)
        if operator.base in CLAMPS:
            return self._add_clamp(operator)
        if operator.base in ADDITIONS:
            return self._add_addition(reading)
        return add_pooling(self._operations, reading)

    def _overwrites(self, operator: Operator) -> bool:
        """Whether it changes in place a value that is read again."""
        return operator.in_place and self._maps.read_later(operator.values()[0], self._index)

    def _add_layer(self, reading: Reading) -> bool:
        """Whether a layer can be in a run with others: a convolution, or a product with one stored weight."""
        if reading.convolution is not None:
            return self._add_convolution(reading)
        product = reading.product
        if product is None or reading.constants[0] is None:
            return False
        value, result = product.left, reading.operator.results[0]
        rows = value.shape[-1:] == (product.c,) and result.shape[-1:] == (product.k,)
        if product.repeats != 1 or not rows or 0 in (product.p, product.c, product.k):
            return False
        if not has_stored_bias(reading.operator, self._constants):
            return False
        known = self._maps.find(value)
        if known is not None and known.form is Form.FLAT:
            self._operations.append(reading, Kind.LAYER, over_map(known.shape, product.k), known, Form.FLAT)
            return True
        source = self._operations.source(value, rows_of(value, self._maps.root(value)))
        self._operations.append(reading, Kind.LAYER, over_rows(product), source, Form.ROWS)
        return True

    def _add_convolution(self, reading: Reading) -> bool:
        assert reading.convolution is not None
        if reading.constants[0] is None:
            return False
        value = reading.operator.value("input")
        given = image_of(value, self._maps.root(value), len(reading.operator.value("weight").shape) - 2)
        if reading.convolution.transposed or given is None or not has_stored_bias(reading.operator, self._constants):
            return False
        (part,) = workloads(reading.names[0], reading.convolution)
        workload, _ = one_image(part.workload)
        shape = (workload.c_in, workload.height, workload.width)
        if shape == given.shape:
            source = self._operations.source(value, given)
        else:  # unequal zeros around the map are part of what it is given
            self._operations.needed(self._maps.find(value))
            source = replace(given, shape=shape, pads=part.pads)
        self._operations.append(reading, Kind.LAYER, workload, source, Form.IMAGE)
        return True

    def _add_norm(self, reading: Reading) -> bool:
        operator, value = reading.operator, reading.operator.value("input")
        operation, at = self._operations.sole(value), self._maps.find(value)
        wanted = [operator.args.get(name) for name in OF_CHANNELS]
        given = [item for item in wanted if isinstance(item, Value)]
        stored = all(self._constants.find(item) is not None for item in given)
        if None in wanted[:2] or not stored or operator.args.get("training"):
            return False
        bare = operation is not None and operation.kind is Kind.LAYER and operation.plain
        if operation is not None and at is not None and bare and operation.norm is None and not operation.biases:
            if any(item.elements != operation.workload.c_out for item in given):
                return False
            operation.norm, operation.ranged = operator, operator.results[0]
            return self._operations.absorb(operation, operator, value)
        at = self._operations.given(value)
        if at is None or any(item.elements != at.shape[0] for item in given):
            return False
        source = self._operations.source(value, at)
        self._operations.append(reading, Kind.COPY, depthwise(at.shape, PIXEL), source, at.form, norm=operator)
        return True

    def _add_clamp(self, operator: Operator) -> bool:
        value = operator.values()[0]
        operation, bounds = self._operations.sole(value), clamp_of(operator, self._constants)
        if operation is None or bounds is None:
            return False
        low, high = max(operation.low, bounds[0]), min(operation.high, bounds[1])
        if low > high:
            return False
        operation.low, operation.high = low, high
        operation.ranged = operation.ranged and operator.results[0]
        return self._operations.absorb(operation, operator, value)

    def _add_addition(self, reading: Reading) -> bool:
        operator = reading.operator
        values = operator.values()
        if len(values) != 2 or operator.args.get("alpha", 1) != 1:
            return False
        for value, other in (values, values[::-1]):
            if self._constants.find(other) is not None:
                return self._add_bias(operator, value, other)
        if values[0].shape != values[1].shape:
            return False
        maps = [self._maps.find(value) for value in values]
        for value, at, other, theirs in zip(values, maps, values[::-1], maps[::-1], strict=True):
            operation = self._operations.sole(value)
            if operation is None or at is None or not operation.weighted or not operation.plain:
                continue
            maker = self._operations.maker(theirs)
            if maker is not None and maker.number > operation.number:
                continue  # it is computed later, and takes the addition
            residual = self._operations.like(other, at)
            if residual is not None:
                operation.residual, operation.ranged = residual, operator.results[0]
                return self._operations.absorb(operation, operator, value)
        first = maps[0] or (maps[1] and self._operations.like(values[0], maps[1]))
        second = first and self._operations.like(values[1], first)
        if first is None or second is None:
            return False
        self._operations.append(reading, Kind.COPY, depthwise(first.shape, PIXEL), first, first.form, residual=second)
        return True

    def _add_bias(self, operator: Operator, value: Value, bias: Value) -> bool:
        operation, at = self._operations.sole(value), self._maps.find(value)
        if operation is None or at is None or not operation.weighted or not operation.plain:
            return False
        wanted = (at.shape[0], 1, 1) if at.form is Form.IMAGE else (at.shape[0],)
        fits = tuple(size for size in bias.shape[: -len(wanted)] if size != 1) + bias.shape[-len(wanted) :] == wanted
        flattened = at.form is Form.FLAT and at.shape[1:] != (1, 1)
        if not fits or flattened or operator.results[0].shape != value.shape:
            return False
        operation.biases.append(bias)
        operation.ranged = operator.results[0]
        return self._operations.absorb(operation, operator, value)
