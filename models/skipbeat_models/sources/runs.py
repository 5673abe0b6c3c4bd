"""Runs of nodes as a model's description has them: graphs that are made when they are asked for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

import numpy as np

from skipbeat_arch.graph import Graph, Node, Pool, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.model import ModelLayer, ModelRun, WeightZeros
from skipbeat_arch.workload import Convolution, one_image

from .operation import Kind, Operation
from .partition import Run

#: Most steps of a recurrent layer in one program.
STEPS = 64
#: The tensor that a run is given.
INPUT = "input"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """A node to be made, or a concatenation of parts; tensors are numbered, 0 is the run's input."""

    name: str
    workload: Convolution
    weight: WeightZeros | None
    source: int
    residual: int | None = None
    pool: Pool | None = None
    raw: bool = False
    parts: tuple[int, ...] = ()

    @property
    def structure(self) -> Hashable:
        return self.workload, self.source, self.residual, self.pool, self.raw, self.parts

    @property
    def key(self) -> Hashable:
        return self.weight.key if self.weight else None, self.structure


def model_run(run: Run, layers: Mapping[str, ModelLayer]) -> ModelRun:
    """A run of operations; `layers` by their names give the zeros."""
    plans = _plans(run, layers)
    names = tuple(operation.name if operation.kind is Kind.LAYER else None for operation in computed(run))
    return _run(plans, names, repeats=run[0].source.images)


def computed(run: Run) -> list[Operation]:
    """The operations that are nodes, in order: all but concatenations."""
    return [operation for operation in run if operation.kind is not Kind.CONCATENATION]


def structure(run: Run) -> Graph:
    """A run's graph, as if no weight were zero."""
    return _graph(tuple(_plans(run, {})))


def layer_runs(layer: ModelLayer) -> list[ModelRun]:
    """Each part of a layer as a run of its own."""
    found = []
    for part in layer.parts:
        workload, images = one_image(part.workload)
        plan = _Plan(name=layer.name, workload=workload, weight=part.weight, source=0)
        run = _run([plan], (layer.name,), repeats=images * part.repeats)
        found += _by_steps(run) if part.in_turn else [run]
    return found


def _by_steps(run: ModelRun) -> list[ModelRun]:
    """The steps of a recurrent layer, as many of them in one program as it may have."""
    whole, rest = divmod(run.repeats, STEPS)
    sizes = ((STEPS, whole), (rest, 1))
    return [replace(run, images=count, in_turn=True, repeats=repeats) for count, repeats in sizes if count and repeats]


def _plans(run: Run, layers: Mapping[str, ModelLayer]) -> list[_Plan]:
    numbers: dict[int | str, int] = {operation.number: at + 1 for at, operation in enumerate(run)}
    return [_plan(operation, numbers, layers) for operation in run]


def _plan(operation: Operation, numbers: Mapping[int | str, int], layers: Mapping[str, ModelLayer]) -> _Plan:
    workload, weight = operation.workload, None
    if operation.name in layers and operation.kind is Kind.LAYER:
        (part,) = layers[operation.name].parts
        weight = part.weight
        order = part.workload.order if isinstance(part.workload, Convolution) else "kh,kw,cin"
        workload = replace(workload, order=order)
    residual = operation.residual
    return _Plan(
        name=operation.name,
        workload=workload,
        weight=weight,
        source=numbers.get(operation.source.tensor, 0),
        residual=None if residual is None else numbers.get(residual.tensor, 0),
        pool=operation.pool,
        raw=operation.raw,
        parts=tuple(numbers[part.tensor] for part in operation.parts),
    )


def _run(plans: Sequence[_Plan], layers: tuple[str | None, ...], repeats: int) -> ModelRun:
    return ModelRun(
        key=tuple(plan.key for plan in plans),
        structure=tuple(plan.structure for plan in plans),
        graph=partial(_graph, tuple(plans)),
        names=tuple(plan.name for plan in plans if not plan.parts),
        layers=layers,
        repeats=repeats,
    )


def _graph(plans: tuple[_Plan, ...]) -> Graph:
    names = [given_name([plan.name for plan in plans]), *(plan.name for plan in plans)]
    nodes, joined = list[Node](), list[Tensor]()
    shapes: dict[str, tuple[int, int, int]] = {}
    for plan in plans:
        if plan.parts:
            parts = [names[part] for part in plan.parts]
            joined.append(joined_tensor(plan.name, [(name, shapes[name]) for name in parts]))
            shapes[plan.name] = joined[-1].shape
            continue
        channels = plan.workload.c_out
        ones = np.ones(channels, np.int64)
        layer = IntegerLayer(
            name=plan.name,
            workload=plan.workload,
            weight=_weight(plan),
            bias=np.zeros(channels, np.int32),
            multiplier=None if plan.raw else ones,
            shift=None if plan.raw else ones,
        )
        node = Node(
            layer=layer,
            input=names[plan.source],
            output=plan.name,
            pool=plan.pool,
            residual=None if plan.residual is None else names[plan.residual],
            residual_multiplier=None if plan.residual is None else ones,
        )
        nodes.append(node)
        shapes[plan.name] = node.out_shape
    first = plans[0].workload
    given = Tensor(name=names[0], channels=first.c_in, height=first.height, width=first.width)
    return Graph.of(given, nodes, joined)


def joined_tensor(name: str, parts: Sequence[tuple[str, tuple[int, int, int]]]) -> Tensor:
    """A concatenation of tensors, each with its shape."""
    first = list(accumulate((shape[0] for _, shape in parts), initial=0))
    _, height, width = parts[0][1]
    places = tuple((part, start) for (part, _), start in zip(parts, first, strict=False))
    return Tensor(name=name, channels=first[-1], height=height, width=width, parts=places)


def given_name(names: Sequence[str]) -> str:
    """A name for a run's input that no node has."""
    return INPUT if INPUT not in names else f"{INPUT} of the run"


def _weight(plan: _Plan) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    gemm, groups = plan.workload.gemm, plan.workload.groups
    shape = (gemm.c, gemm.k) if groups == 1 else (groups, gemm.c, gemm.k)
    if plan.weight is None:
        return np.broadcast_to(np.int8(1), shape)
    return plan.weight.nonzero().reshape(shape).view(np.int8)
