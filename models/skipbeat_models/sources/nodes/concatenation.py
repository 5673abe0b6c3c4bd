"""Concatenations along the channels: no node, but one tensor of which each part's node writes a range."""

from __future__ import annotations

from dataclasses import replace

from ..graphs.graph import Operator, Value
from ..layers.reading import Reading
from .maps import Form, Map, axes_of
from .operation import Kind, Operation
from .operations import Operations
from .windows import PIXEL, depthwise


def add_concatenation(operations: Operations, reading: Reading) -> bool:
    """Whether a concatenation joins maps along their channels; it is one tensor then.

    A part that lies elsewhere already, or that no operation makes, is copied.
    """
    operator = reading.operator
    given = operator.args.get("tensors")
    values = [value for value in given if isinstance(value, Value)] if isinstance(given, list) else []
    maps = [operations.maps.find(value) for value in values]
    known = [at for at in maps if at is not None]
    if len(known) < max(2, len(maps)) or not _side_by_side(operator, values, known):
        return False
    parts = _joined(operations, known)
    parts = [at if _is_free(operations, parts, n) else _copy(operations, reading, at) for n, at in enumerate(parts)]
    first = parts[0]
    shape = (sum(at.shape[0] for at in parts), *first.shape[1:])
    whole = operations.append(
        reading, Kind.CONCATENATION, depthwise(shape, PIXEL), first, first.form, parts=tuple(parts)
    )
    for operation in operations.made:
        if operation.number in _all_parts(operations, whole):
            operation.ranged = operator.results[0]  # one tensor has one scale
    return True


def _side_by_side(operator: Operator, values: list[Value], maps: list[Map]) -> bool:
    """Whether maps of one size are joined along the axis that is their channels."""
    dim, first = operator.args.get("dim", 0), maps[0]
    if not isinstance(dim, int) or any(
        (at.images, at.shape[1:], at.form) != (first.images, first.shape[1:], first.form) for at in maps
    ):
        return False
    rank = len(values[0].shape)
    if first.form is Form.ROWS:
        return dim % rank == rank - 1
    if first.form is Form.FLAT:
        return first.shape[1:] == (1, 1) and dim % rank == rank - 1
    axes = [axes_of(at, value.shape) for at, value in zip(maps, values, strict=True)]
    return all(each and each[dim % rank] == "c" for each in axes)


def _joined(operations: Operations, maps: list[Map]) -> list[Map]:
    """The maps, with those first ones as one that are joined already."""
    tensors = [at.tensor for at in maps]
    for whole in reversed(operations.made):
        joined = [at.tensor for at in whole.parts]
        if joined and joined == tensors[: len(joined)] and len(joined) < len(tensors):
            channels = sum(at.shape[0] for at in whole.parts)
            return [replace(maps[0], tensor=whole.number, shape=(channels, *maps[0].shape[1:])), *maps[len(joined) :]]
    return maps


def _is_free(operations: Operations, parts: list[Map], number: int) -> bool:
    """Whether a part is made by an operation, and is not a part already."""
    tensor = parts[number].tensor
    taken = {at.tensor for operation in operations.made for at in operation.parts}
    taken |= {at.tensor for at in parts[:number]}
    return isinstance(tensor, int) and tensor not in taken


def _copy(operations: Operations, reading: Reading, at: Map) -> Map:
    made = operations.append(reading, Kind.COPY, depthwise(at.shape, PIXEL), at, at.form)
    return replace(at, tensor=made.number, pads=(0, 0, 0, 0))


def _all_parts(operations: Operations, whole: Operation) -> set[int | str]:
    """The parts of a concatenation, and theirs."""
    found = {at.tensor for at in whole.parts}
    for at in whole.parts:
        maker = operations.maker(at)
        found |= _all_parts(operations, maker) if maker is not None and maker.parts else set()
    return found
