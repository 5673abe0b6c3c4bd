"""Operations cut into the longest runs that a program can compute: one tensor goes in, one comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .constants import Constants
from .fusion import Fusion, fuse
from .graph import Graph, Operator
from .maps import Shape
from .operation import Operation
from .operators import ADDITIONS
from .reading import Reading

Run = tuple[Operation, ...]


@dataclass(frozen=True, kw_only=True)
class Partition:
    """Runs in their order, and the operators of the host (see `Fusion`)."""

    runs: tuple[Run, ...]
    host: tuple[Operator, ...]


def partition(graph: Graph, readings: Sequence[Reading], constants: Constants) -> Partition:
    """The operations of a graph in runs.

    An addition whose operands do not come together in one run is left to the host.
    """
    left: list[Operator] = []
    while True:
        fusion = fuse(graph, readings, constants, left)
        runs = _runs(fusion)
        refused = [run[0] for run in runs if len(_given(run)) > 1]
        if not refused:
            return Partition(runs=tuple(runs), host=fusion.host)
        left += [_addition(operation) for operation in refused]


def _addition(operation: Operation) -> Operator:
    operators = (operation.reading.operator, *operation.absorbed)
    return next(operator for operator in operators if operator.base in ADDITIONS and len(operator.values()) == 2)


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
