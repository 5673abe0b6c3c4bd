"""From a graph to a program image for the accelerator."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram, NodeRange, Place

from .input_folding import fold_input
from .lowering import lower
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
    memory = memory_map(graph, machine, tactic, images=images)
    lowered = lower(memory, "network")
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
        tensors=_places(graph, memory, start),
        nodes=tuple(
            NodeRange(name=graph.nodes[run % len(graph.nodes)].layer.name, start=start, stop=stop)
            for run, start, stop in lowered.nodes
        ),
        fold=fold,
    )


def _places(graph: Graph, memory: MemoryMap, start: int) -> tuple[Place, ...]:
    """Of each group of images the tensors that are in memory, the input first, the output last."""
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
        )
        for group in memory.groups
        for t in ordered
        if t.name in group.tensors
    )
