"""The operations of a graph so far, and the tensors that its values are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skipbeat_arch.graph import Pool
from skipbeat_arch.workload import Convolution

from ..graphs.graph import Graph, Operator, Value
from ..layers.reading import Names, Reading
from .maps import Form, Map, Maps, image_of, rows_of
from .operation import Kind, Operation


class Operations:
    """Takes new operations, and what they take over.

    Attributes:
        made: the operations in their order.
        maps: the tensors that values are.
    """

    def __init__(self, graph: Graph, readings: Sequence[Reading]) -> None:
        self.made: list[Operation] = []
        self.maps = Maps([reading.operator for reading in readings], graph.outputs)
        self._names = Names(name for reading in readings for name in reading.names)
        self._not_negative: set[int | str] = set()

    def maker(self, at: Map | None) -> Operation | None:
        """The operation that makes a tensor; None: it is given."""
        return self.made[at.tensor] if at is not None and isinstance(at.tensor, int) else None

    def needed(self, at: Map | None) -> None:
        """Notes that the host reads a tensor."""
        operation = self.maker(at)
        if operation is not None:
            operation.outside = True

    def source(self, value: Value, wanted: Map) -> Map:
        """The map of an operand if it is as wanted; else the operand is given in that form."""
        known = self.maps.find(value)
        if known is not None and replace(known, tensor="") == replace(wanted, tensor=""):
            return known
        self.needed(known)
        if known is None:
            self.maps.put(value, wanted)
        return wanted

    def given(self, value: Value, spatial: int | None = None) -> Map | None:
        """The map of a value, or how it lies: as images, or as rows if it has two dimensions.

        Args:
            spatial: dimensions of an image; None: all of the value's but the first two.
        """
        known, root, rank = self.maps.find(value), self.maps.root(value), len(value.shape)
        if known is not None or rank not in (2, 3, 4):
            return known
        return rows_of(value, root) if rank == 2 else image_of(value, root, spatial or rank - 2)

    def sole(self, value: Value) -> Operation | None:
        """The operation that makes a value that nothing else uses; none makes a concatenation."""
        found = self.maker(self.maps.find(value)) if self.maps.alone(value) else None
        return None if found is None or found.kind is Kind.CONCATENATION else found

    def append(
        self,
        reading: Reading,
        kind: Kind,
        workload: Convolution,
        source: Map,
        form: Form,
        *,
        pool: Pool | None = None,
        residual: Map | None = None,
        norm: Operator | None = None,
        parts: tuple[Map, ...] = (),
    ) -> Operation:
        """Takes a new operation; its result has the form."""
        operator = reading.operator
        operation = Operation(
            number=len(self.made),
            name=reading.names[0] if kind is Kind.LAYER else self._names.unique(operator.module or operator.base),
            kind=kind,
            reading=reading,
            workload=workload,
            source=source,
            result=operator.results[0],
            ranged=None if pool else operator.results[0],
            pool=pool,
            residual=residual,
            norm=norm,
            parts=parts,
        )
        self.made.append(operation)
        self._note(operation, form)
        return operation

    def _note(self, operation: Operation, form: Form) -> None:
        at = replace(operation.source, tensor=operation.number, shape=operation.shape, form=form)
        self.maps.put(operation.result, at)
        operation.form = form
        kept = not operation.weighted and operation.residual is None
        if operation.low >= 0 or (kept and all(each.tensor in self._not_negative for each in operation.inputs)):
            self._not_negative.add(operation.number)

    def absorb(self, operation: Operation, operator: Operator, value: Value, form: Form | None = None) -> bool:
        """The operation that made a value takes over an operator on it; `form` is the result's, if it has another."""
        at = self.maps.find(value)
        assert at is not None
        operation.absorbed.append(operator)
        operation.result = operator.results[0]
        self._note(operation, form or at.form)
        return True

    def like(self, value: Value, at: Map) -> Map | None:
        """The map of a value that lies as another one does; None: it lies otherwise."""
        known = self.maps.find(value)
        if known is None:
            known = replace(at, tensor=self.maps.root(value))
            self.maps.put(value, known)
        return known if replace(known, tensor="") == replace(at, tensor="") else None

    def not_negative(self, at: Map) -> bool:
        """Whether a tensor is known to have no negative values."""
        return at.tensor in self._not_negative
