"""Operations cut into the longest runs that a program can compute: one tensor goes in, one comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graphs.constants import Constants
from ..graphs.graph import Graph, Operator
from ..graphs.operators import ADDITIONS
from ..layers.reading import Reading
from .fusion import Fusion, fuse
from .maps import Shape
from .operation import Kind, Operation
from .windows import is_depthwise

Run = tuple[Operation, ...]


@dataclass(frozen=True, kw_only=True)
class Partition:
    """Runs in their order, and the operators of the host (see `Fusion`)."""

    runs: tuple[Run, ...]
    host: tuple[Operator, ...]


def partition(graph: Graph, readings: Sequence[Reading], constants: Constants) -> Partition:
    """The operations of a graph in runs.

    An addition or a concatenation whose operands do not come together in one run is left to the host, and so is a
    concatenation whose channels somebody needs one after the other.
    """
    left: list[Operator] = []
    while True:
        fusion = fuse(graph, readings, constants, left)
        runs = _runs(fusion)
        refused = [*_scattered(fusion, runs), *(_joining(run[0]) for run in runs if len(_given(run)) > 1)]
        if not refused:
            return Partition(runs=tuple(runs), host=fusion.host)
        left += refused


def _joining(operation: Operation) -> Operator:
    """The addition or concatenation of an operation that reads two tensors."""
    operators = (operation.reading.operator, *operation.absorbed)
    if operation.kind is Kind.CONCATENATION:
        return operators[0]
    return next(operator for operator in operators if operator.base in ADDITIONS and len(operator.values()) == 2)


def _scattered(fusion: Fusion, runs: Sequence[Run]) -> list[Operator]:
    """Concatenations that must not be ranges of a tensor, because of who makes their parts or who reads them.

    Their channels need not follow one another in memory, and neither do those that are computed one by one from them.
    """
    spread: dict[int | str, set[Operator]] = {}
    found: set[Operator] = set()
    for run in runs:
        numbers = {operation.number for operation in run}
        for operation in run:
            within = set[Operator]().union(*(spread.get(at.tensor, set()) for at in operation.inputs))
            one_by_one = is_depthwise(operation.workload)
            if operation.kind is Kind.CONCATENATION:
                within.add(operation.reading.operator)
                found |= within if any(at.tensor not in numbers for at in operation.parts) else set()
            elif operation.residual is not None or (operation.workload.groups > 1 and not one_by_one):
                found |= within
            spread[operation.number] = within if one_by_one else set()
        found |= spread[run[-1].number]
    return [operator for operator in (each.reading.operator for each in fusion.operations) if operator in found]


def _given(run: Run) -> set[tuple[int | str, Shape, tuple[int, int, int, int]]]:
    """The tensors that a run reads and does not make."""
    first, last = run[0].number, run[-1].number
    return {
        (at.tensor, at.shape, at.pads)
        for operation in run
        for at in operation.inputs
        if isinstance(at.tensor, str) or not first <= at.tensor <= last
    }


def _runs(fusion: Fusion) -> list[Run]:
    """The longest runs, one after the other; an operation that cannot be in any stands alone."""
    operations = fusion.operations
    reader = {at.tensor: operation.number for operation in operations for at in operation.inputs}  # the last one
    found: list[Run] = []
    start = 0
    while start < len(operations):
        stop = start + 1
        for end in range(start + 1, len(operations) + 1):
            run = operations[start:end]
            inner = run[:-1]
            images = len({operation.source.images for operation in run})
            if images > 1 or any(each.outside or each.returned for each in inner) or len(_given(run)) > 1:
                break
            if all(reader.get(each.number, 0) < end for each in inner):
                stop = end
        found.append(operations[start:stop])
        start = stop
    return found
