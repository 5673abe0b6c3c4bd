"""Runs of nodes as a model's description has them: graphs that are made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from skipbeat_arch.budget import products_together
from skipbeat_arch.graph import Graph
from skipbeat_arch.model import ModelLayer, ModelRun, Twin
from skipbeat_arch.workload import Convolution, one_image

from ...planned_run import PlannedGraph, PlannedNode, planned_run
from .operation import Kind, Operation
from .partition import Run


def model_run(run: Run, layers: Mapping[str, ModelLayer]) -> ModelRun:
    """A run of operations; `layers` by their names give the zeros."""
    plans = _plans(run, layers)
    names = tuple(operation.name if operation.kind is Kind.LAYER else None for operation in computed(run))
    return planned_run(plans, names, repeats=run[0].source.images)


def computed(run: Run) -> list[Operation]:
    """The operations that are nodes, in order: all but concatenations."""
    return [operation for operation in run if operation.kind is not Kind.CONCATENATION]


def structure(run: Run) -> Graph:
    """A run's graph, as if no weight were zero."""
    return PlannedGraph(tuple(_plans(run, {})))()


def layer_runs(layer: ModelLayer) -> list[ModelRun]:
    """Each part of a layer as a run of its own; products of two activations follow one another in a program."""
    kinds = [(part, Twin.NONE if layer.whole else Twin.BOTH) for part in layer.parts]
    found = []
    for part, twin in kinds + ([(layer.whole, Twin.ONLY)] if layer.whole else []):
        workload, images = one_image(part.workload)
        node = PlannedNode(name=layer.name, workload=workload, weight=part.weight, source=0, operand=not layer.stored)
        times = images * part.repeats
        together = 1 if layer.stored else products_together(workload.gemm, times)
        run = planned_run([node], (layer.name,), repeats=times // together, images=together)
        run = replace(run, twin=twin)
        found += [replace(run, repeats=1), replace(run, repeats=run.repeats - 1, again=True)] if part.kept else [run]
    return found


def _plans(run: Run, layers: Mapping[str, ModelLayer]) -> list[PlannedNode]:
    numbers: dict[int | str, int] = {operation.number: at + 1 for at, operation in enumerate(run)}
    return [_plan(operation, numbers, layers) for operation in run]


def _plan(operation: Operation, numbers: Mapping[int | str, int], layers: Mapping[str, ModelLayer]) -> PlannedNode:
    workload, weight = operation.workload, None
    if operation.name in layers and operation.kind is Kind.LAYER:
        (part,) = layers[operation.name].parts
        weight = part.weight
        order = part.workload.order if isinstance(part.workload, Convolution) else "kh,kw,cin"
        workload = replace(workload, order=order)
    residual = operation.residual
    return PlannedNode(
        name=operation.name,
        workload=workload,
        weight=weight,
        source=numbers.get(operation.source.tensor, 0),
        residual=None if residual is None else numbers.get(residual.tensor, 0),
        pool=operation.pool,
        raw=operation.raw,
        alike=not operation.weighted and not operation.parts,
        parts=tuple(numbers[part.tensor] for part in operation.parts),
    )
