"""From a graph to a program image for the accelerator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import Code, MachineProgram, Place

from .operand import operand_addresses
from .placing.node_mapping import NodeMapping
from .program.emission import emit_words
from .program.lowering import Lowered
from .search.timed_network import TimedNetwork, time_network


def compile_network(
    graph: Graph,
    hw: Hardware,
    images: int = 1,
    *,
    mappings: Sequence[NodeMapping] | None = None,
    effort: Effort = Effort.NORMAL,
    scales: Mapping[str, float] | None = None,
    again: bool = False,
) -> MachineProgram:
    """The program that runs a graph on so many images.

    Args:
        graph: the network.
        hw: the hardware.
        images: computed by one run.
        mappings: of every node; if there are none, those that take the fewest clocks.
        effort: of the search for them.
        scales: real value of one unit of tensors, by name, for whoever reads the program.
        again: whether runs of it follow one another, with weights that stay on the chip if all of them fit.

    Raises:
        InputError: a node that does not fit the hardware, or hardware that has no accelerator.
    """
    network = time_network(graph, Machine.of(hw), images, mappings=mappings, effort=effort)
    return packed(network, scales, network.again() if again else None)


def compile_products(
    graph: Graph,
    hw: Hardware,
    images: int = 1,
    *,
    scales: Mapping[str, float] | None = None,
    effort: Effort = Effort.NORMAL,
) -> MachineProgram:
    """The program of products of two activations, of which the second is written into the image when it is known.

    Products follow one another, each with both of its operands. Zeros are not known ahead, so the tiles are those of a
    matrix without any: the program, and its clocks, depend on no value.

    Args:
        graph: one node with a 1x1 kernel, which is an `operand`; its weights do not count.
        hw: the hardware.
        images: how many products one run computes.
        scales, effort: as for `compile_network`.

    Raises:
        InputError: as for `compile_network`, or a node whose weights are none of a product of two activations.
    """
    (node,) = graph.nodes
    if not node.operand:
        raise InputError(f"node {node.layer.name}: expected the second operand of a product, not stored weights")
    full = replace(node, layer=replace(node.layer, weight=np.ones_like(node.layer.weight)))
    network = time_network(replace(graph, nodes=(full,)), Machine.of(hw), images, effort=effort)
    program = packed(network, scales)
    addresses, pitch = operand_addresses(network.memory, network.lowered.schedule.start)
    image = program.image.copy()
    for number in range(images):
        image[addresses + np.int64(number * pitch)] = 0
    return replace(program, image=image, operand=addresses, operand_pitch=pitch)


def packed(
    network: TimedNetwork, scales: Mapping[str, float] | None = None, again: TimedNetwork | None = None
) -> MachineProgram:
    """The image of a program with its weights; `again` is that of a run right after it."""
    memory, lowered, machine = network.memory, network.lowered, network.memory.machine
    start = lowered.schedule.start
    stop = start + memory.stored * machine.vector
    size = again.lowered.schedule.size if again else lowered.schedule.size
    image = np.zeros(size if again else stop, np.uint8)
    for each in (lowered, again.lowered) if again else (lowered,):
        words = emit_words(each.schedule).ravel()
        image[each.schedule.code : each.schedule.code + words.size] = words
    memory.write(image[start:stop])
    return MachineProgram(
        hardware=machine.hw.name,
        fingerprint=machine.fingerprint,
        vector=machine.vector,
        image=image,
        memory_bytes=size,
        address=0,
        count=len(lowered.columns),
        again=_again(again.lowered) if again else None,
        tensors=_places(network, start, scales or {}),
        nodes=lowered.nodes,
        fold=network.fold,
    )


def _again(lowered: Lowered) -> Code:
    return Code(address=lowered.schedule.code, count=len(lowered.columns), nodes=lowered.nodes)


def _places(network: TimedNetwork, start: int, scales: Mapping[str, float]) -> tuple[Place, ...]:
    """Of each group of images the tensors that lie in memory as the graph has them, input first, output last."""
    memory, orders = network.memory, network.orders
    graph = memory.graph
    raw, placed = ({n.output for n in graph.nodes if getattr(n, kind)} for kind in ("raw", "places"))
    others = {graph.input, graph.output, *network.gaps}
    inner = [t for t in graph.tensors if t.name not in others and not t.parts]
    ordered = [graph.tensor(graph.input), *inner, graph.tensor(graph.output)]
    return tuple(
        Place(
            name=t.name,
            address=start + group.tensors[t.name] * memory.machine.vector,
            shape=t.shape,
            raw=t.name in raw,
            places=t.name in placed,
            first=group.first,
            images=group.images,
            order=tuple(orders[t.name].tolist()) if t.name in orders else None,
            scale=scales.get(t.name),
        )
        for group in memory.groups
        for t in ordered
        if t.name in group.tensors
    )
