"""Maxima and averages over windows of a map, as nodes or in the output stage of the layer before."""

from __future__ import annotations

from dataclasses import replace

from skipbeat_arch.graph import Pool
from skipbeat_arch.instruction import Store

from ..layers.reading import Reading
from .maps import Form, Map, axes_of, form_of
from .operation import Kind, Operation
from .operations import Operations
from .windows import PIXEL, Window, averaging, depthwise, dimensions, is_reduction, max_pooling

#: Pixels of which an output is the maximum.
MOST_POOLED = next(field.highest for field in Store.bit_fields() if field.name == "pool")


def add_pooling(operations: Operations, reading: Reading) -> bool:
    """Whether an operator is a maximum or an average over windows of a map; it is an operation then, or part of one."""
    operator = reading.operator
    value = next(iter(operator.values()), None)
    at = None if value is None else operations.given(value, dimensions(operator))
    if value is None or at is None:
        return False
    axes = axes_of(at, value.shape)
    mean, maximum = averaging(operator, at, axes), max_pooling(operator, at, axes)
    window = mean or maximum
    form = None if window is None else form_of(_pooled(at, window), operator.results[0].shape)
    if window is None or form is None or operations.maps.used(operator.results[1:]):
        return False
    if operations.maps.find(value) is None and is_reduction(operator) and not _of_images(reading, axes):
        return False
    if window == PIXEL:
        return operations.maps.view(operator)
    if mean is None:
        return _add_maximum(operations, reading, at, window, form)
    operations.append(reading, Kind.AVERAGE, depthwise(at.shape, mean), operations.source(value, at), form)
    return True


def _add_maximum(operations: Operations, reading: Reading, at: Map, window: Window, form: Form) -> bool:
    """Takes a maximum: whole windows beside each other join the operation before, others are copied and then pooled."""
    value = reading.operator.values()[0]
    pools = _pools(window)
    if not pools or (window.padding != (0, 0) and not operations.not_negative(at)):
        return False
    operation = operations.sole(value)
    if operation is not None and _beside(window) and operation.pool is None and operation.residual is None:
        at = _join(operations, reading, operation, pools.pop(0), form)
    else:
        at = operations.source(value, at)
    for pool in pools:
        workload = depthwise(at.shape, replace(PIXEL, padding=window.padding))
        made = operations.append(reading, Kind.COPY, workload, at, form, pool=pool)
        at = replace(at, tensor=made.number, shape=made.shape)
    return True


def _join(operations: Operations, reading: Reading, operation: Operation, pool: Pool, form: Form) -> Map:
    """An operation takes a pooling over; the map of its results."""
    operation.pool = pool
    operations.absorb(operation, reading.operator, reading.operator.values()[0], form)
    found = operations.maps.find(reading.operator.results[0])
    assert found is not None
    return found


def _beside(window: Window) -> bool:
    return window.kernel == window.stride and window.padding == (0, 0)


def _pools(window: Window) -> list[Pool]:
    """The poolings that make a maximum: one, or of large windows first their columns; none: they are too large."""
    rows, cols = window.kernel
    if rows * cols <= MOST_POOLED:
        return [Pool(kernel=window.kernel, stride=window.stride)]
    if not _beside(window) or max(rows, cols) > MOST_POOLED:
        return []
    return [Pool(kernel=(rows, 1), stride=(rows, 1)), Pool(kernel=(1, cols), stride=(1, cols))]


def _of_images(reading: Reading, axes: str) -> bool:
    """Whether what the host made is reduced as only images are: a norm's mean over its last axis is the host's."""
    reduced = reading.operator.args.get("dim")
    return axes == "nchw" and isinstance(reduced, list) and len(reduced) == 2


def _pooled(at: Map, window: Window) -> Map:
    return replace(at, shape=(at.shape[0], *window.out_size(at.shape[1:])))
