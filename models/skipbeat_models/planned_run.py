"""A run of nodes as it is written down: what makes its graph when that is asked for. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.graph import Graph, Node, Pool, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.model import ModelRun, RunProduct, WeightZeros
from skipbeat_arch.workload import Convolution

from .weight_zeros import DrawnZeros

#: The tensor that a run is given.
INPUT = "input"


@dataclass(frozen=True, kw_only=True, eq=False)
class PlannedNode:
    """A node to be made, or a concatenation of parts; tensors are numbered, 0 is the run's input.

    Attributes:
        alike, operand: see `skipbeat_arch.graph.Node`.
    """

    name: str
    workload: Convolution
    weight: WeightZeros | None
    source: int
    residual: int | None = None
    pool: Pool | None = None
    raw: bool = False
    alike: bool = False
    operand: bool = False
    parts: tuple[int, ...] = ()

    @property
    def structure(self) -> Hashable:
        """All but its name and zeros."""
        own = self.workload, self.source, self.residual, self.pool, self.raw, self.alike, self.operand
        return *own, self.parts

    @property
    def key(self) -> Hashable:
        """All but its name."""
        return self.weight.key if self.weight else None, self.structure


@dataclass(frozen=True)
class PlannedGraph:
    """The nodes of a run, in order; called, it makes their graph."""

    nodes: tuple[PlannedNode, ...]

    @property
    def key(self) -> Hashable:
        """Equal for equal nodes with equal zeros."""
        return tuple(node.key for node in self.nodes)

    @property
    def structure(self) -> Hashable:
        """Equal for nodes that differ in their zeros alone."""
        return tuple(node.structure for node in self.nodes)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the graph's nodes."""
        return tuple(node.name for node in self.nodes if not node.parts)

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """Of the graph's nodes, each of one image."""
        return tuple(node.workload for node in self.nodes if not node.parts)

    @property
    def products(self) -> tuple[RunProduct, ...]:
        """Of each node, if all are products of a line of the same rows; else none."""
        rows = self.nodes[0].workload.width
        if not all(_is_line(node, rows) for node in self.nodes):
            return ()
        return tuple(RunProduct(gemm=node.workload.gemm, raw=node.raw) for node in self.nodes)

    def block(self, run: ModelRun, rows: int) -> ModelRun:
        """The run of these nodes, with so many rows of their products."""
        nodes = (replace(node, workload=replace(node.workload, width=rows)) for node in self.nodes)
        return _of_graph(run, PlannedGraph(tuple(nodes)))

    def counted(self, group: int) -> Graph | None:
        """The same with as many nonzeros in each `group` input channels of an output, though not the same ones.

        None: they must be drawn to be counted, or some node is no plain product, so that other channels come together.
        """
        weights = dict[str, Int8Array]()
        for node in self.nodes:
            weight = None if node.parts or not _is_product(node.workload) else _counted(node, group)
            if weight is None:
                return None
            weights[node.name] = weight
        return self._graph(weights)

    def __call__(self) -> Graph:
        """The nodes themselves, with biases, multipliers and shifts that no clock depends on."""
        return self._graph({each.name: _weight(each) for each in self.nodes if not each.parts})

    def _graph(self, weights: Mapping[str, Int8Array]) -> Graph:
        """The nodes with these weights."""
        names = [given_name([plan.name for plan in self.nodes]), *(plan.name for plan in self.nodes)]
        nodes, joined = list[Node](), list[Tensor]()
        shapes: dict[str, tuple[int, int, int]] = {}
        for plan in self.nodes:
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
                weight=weights[plan.name],
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
                alike=plan.alike,
                operand=plan.operand,
            )
            nodes.append(node)
            shapes[plan.name] = node.out_shape
        first = self.nodes[0].workload
        given = Tensor(name=names[0], channels=first.c_in, height=first.height, width=first.width)
        return Graph.of(given, nodes, joined)


def planned_run(
    nodes: Sequence[PlannedNode], layers: tuple[str | None, ...], repeats: int, images: int = 1
) -> ModelRun:
    """The run of these nodes.

    Args:
        layers: for each node the layer that it computes, or None.
        repeats: how often the program runs. images: that it computes.
    """
    graph = PlannedGraph(tuple(nodes))
    run = ModelRun(key=None, structure=None, graph=graph, names=(), layers=layers, images=images, repeats=repeats)
    return _of_graph(run, graph)


def _of_graph(run: ModelRun, graph: PlannedGraph) -> ModelRun:
    """The run with all that follows from its graph."""
    return replace(
        run,
        key=graph.key,
        structure=graph.structure,
        graph=graph,
        counted=graph.counted,
        names=graph.names,
        convolutions=graph.convolutions,
        products=graph.products,
        block=graph.block,
    )


def joined_tensor(name: str, parts: Sequence[tuple[str, tuple[int, int, int]]]) -> Tensor:
    """A concatenation of tensors, each with its shape."""
    first = list(accumulate((shape[0] for _, shape in parts), initial=0))
    _, height, width = parts[0][1]
    places = tuple((part, start) for (part, _), start in zip(parts, first, strict=False))
    return Tensor(name=name, channels=first[-1], height=height, width=width, parts=places)


def given_name(names: Sequence[str]) -> str:
    """A name for a run's input that no node has."""
    return INPUT if INPUT not in names else f"{INPUT} of the run"


def _weight(plan: PlannedNode) -> Int8Array:
    gemm, groups = plan.workload.gemm, plan.workload.groups
    shape = (gemm.c, gemm.k) if groups == 1 else (groups, gemm.c, gemm.k)
    if plan.weight is None:
        return np.broadcast_to(np.int8(1), shape)
    return plan.weight.nonzero().reshape(shape).view(np.int8)


def _is_product(workload: Convolution) -> bool:
    return workload.kernel == (1, 1) and workload.groups == 1


def _is_line(node: PlannedNode, rows: int) -> bool:
    """Whether it is a product of so many rows, each of which gives a row of results."""
    load = node.workload
    plain = _is_product(load) and not node.parts and node.pool is None
    return plain and (load.height, load.width) == load.out_size == (1, rows)


def _counted(plan: PlannedNode, group: int) -> Int8Array | None:
    """The weights of a product, or others with as many nonzeros in each group; None if they are not known."""
    source = plan.weight.nonzero if plan.weight else None
    if isinstance(source, DrawnZeros):
        found = source.counted(group)
        return None if found is None else found.view(np.int8)
    return _weight(plan)
