"""A network in memory before anything is timed: with channels in one of their orders, and with layers in slices."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skipbeat_arch.arrays import Indices
from skipbeat_arch.budget import check_passes, program_passes
from skipbeat_arch.fold import Fold
from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.machine import Machine

from ..memory_map import MemoryMap, memory_map
from ..placing.aligned_parts import aligned_parts
from ..placing.node_mapping import NodeMapping
from .arrangements import arrangements
from .input_folding import fold_input
from .slices import chosen_slices


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """One of them; its fields are those of a `TimedNetwork`."""

    fold: Fold | None
    orders: Mapping[str, Indices]
    memory: MemoryMap
    gaps: frozenset[str] = frozenset()

    def on(self, machine: Machine) -> Placement:
        """The same on a machine whose memory may have another latency."""
        return dataclasses.replace(self, memory=dataclasses.replace(self.memory, machine=machine))


def placements(
    graph: Graph,
    machine: Machine,
    images: int = 1,
    mappings: Sequence[NodeMapping] | None = None,
    side: int | None = None,
) -> list[Placement]:
    """A network with groups of its weights in all their `arrangements`, and each with nodes in slices where they pay.

    Args:
        graph: the network.
        machine: the hardware.
        images: of a run.
        mappings: of every node; plain ones if there are none.
        side: most images side by side.

    Raises:
        InputError: a node that does not fit the hardware, or more passes than the limit (`skipbeat_arch.budget`).
    """
    name = f"layer {graph.nodes[0].layer.name}" + (" and those after it" if len(graph.nodes) > 1 else "")
    check_passes(name, sum(_passes(node, machine, images) for node in graph.nodes))
    aligned = aligned_parts(graph, machine.vector)
    gaps = frozenset(t.name for t in aligned.tensors if t.channels > graph.tensor(t.name).channels)
    graph, fold = fold_input(aligned, machine)
    found = []
    for each, orders, tiles in arrangements(graph, machine, min(images, side or images)):
        memory = memory_map(each, machine, mappings, tiles, images=images, side=side)
        found.append(Placement(fold=fold, orders=orders, gaps=gaps, memory=memory))
        if (sliced := chosen_slices(memory)) is not None:
            memory = memory_map(each, machine, mappings, sliced, images=images, side=side)
            found.append(Placement(fold=fold, orders=orders, gaps=gaps, memory=memory))
    return found


def _passes(node: Node, machine: Machine, images: int) -> int:
    """Passes of a node at least; images with second operands of their own share none."""
    conv = node.convolution
    return images * program_passes(conv, machine.hw) if node.operand else program_passes(conv, machine.hw, images)
