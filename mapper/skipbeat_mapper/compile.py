"""From a graph to a program image for the accelerator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram, NodeRange, Place
from skipbeat_sim.timing.machine_timing import machine_timing

from .balancing.channel_orders import channel_orders
from .balancing.permuted_graph import Order, permuted
from .input_folding import fold_input
from .lowering import Lowered, lower
from .memory_map import MemoryMap, memory_map
from .node_mapping import PLAIN, NodeMapping


def compile_network(graph: Graph, hw: Hardware, images: int = 1, *, tactic: NodeMapping = PLAIN) -> MachineProgram:
    """The program that runs a graph on so many images.

    Args:
        graph: the network.
        hw: the hardware.
        images: computed by one run.
        tactic: of every node.

    Raises:
        InputError: a node that does not fit the hardware, or hardware that has no accelerator.
    """
    machine = Machine.of(hw)
    graph, fold = fold_input(graph, machine)
    memory, lowered, orders = _quickest(graph, machine, tactic, images)
    data, start = memory.data(), lowered.start
    image = np.zeros(start + data.size, np.uint8)
    code = b"".join(each.to_word().to_bytes(INSTRUCTION_BYTES, "little") for each in lowered.instructions)
    image[: len(code)] = np.frombuffer(code, np.uint8)
    image[start:] = data
    return MachineProgram(
        hardware=hw.name,
        fingerprint=machine.fingerprint,
        vector=machine.vector,
        image=image,
        memory_bytes=lowered.size,
        address=0,
        count=len(lowered.instructions),
        tensors=_places(memory, start, orders),
        nodes=tuple(
            NodeRange(name=graph.nodes[run % len(graph.nodes)].layer.name, start=start, stop=stop)
            for run, start, stop in lowered.nodes
        ),
        fold=fold,
    )


def _quickest(
    graph: Graph, machine: Machine, tactic: NodeMapping, images: int
) -> tuple[MemoryMap, Lowered, Mapping[str, Order]]:
    """The program with channels as they are, or in the orders that balance groups if that takes fewer clocks."""
    memory = memory_map(graph, machine, tactic, images=images)
    lowered = lower(memory, "network")
    orders = channel_orders(graph, machine)
    if not orders:
        return memory, lowered, {}
    balanced = memory_map(permuted(graph, orders), machine, tactic, images=images)
    other = lower(balanced, "network")
    clocks, fewer = (machine_timing(machine, each.instructions, each.tiles).cycles for each in (lowered, other))
    return (balanced, other, orders) if fewer < clocks else (memory, lowered, {})


def _places(memory: MemoryMap, start: int, orders: Mapping[str, Order]) -> tuple[Place, ...]:
    """Of each group of images the tensors that are in memory, the input first, the output last."""
    graph = memory.graph
    raw = {node.output for node in graph.nodes if node.raw}
    inner = [t for t in graph.tensors if t.name not in (graph.input, graph.output)]
    ordered = [graph.tensor(graph.input), *inner, graph.tensor(graph.output)]
    return tuple(
        Place(
            name=t.name,
            address=start + group.tensors[t.name] * memory.machine.vector,
            shape=t.shape,
            raw=t.name in raw,
            first=group.first,
            images=group.images,
            order=tuple(orders[t.name].tolist()) if t.name in orders else None,
        )
        for group in memory.groups
        for t in ordered
        if t.name in group.tensors
    )
