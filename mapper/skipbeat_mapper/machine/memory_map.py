"""Where everything lies in memory, and what is prepared for each step before the plan is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skipbeat_arch.graph import Graph, Step
from skipbeat_arch.machine import PARAMETER_PITCH, Machine
from skipbeat_arch.tensor_layout import Bytes, tensor_bytes

from .banks import Banks
from .regions import Region, regions
from .tables import Offsets, step_tables, table_data
from .tiles import StepTiles, packed_words, parameter_data, step_tiles


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A step with its geometry and weights, and the memory vectors where its table, parameters and weights begin."""

    step: Step
    banks: Banks
    regions: tuple[Region, ...]
    tiles: StepTiles
    entries: tuple[Offsets, ...]
    table_at: int
    parameters_at: int
    weights_at: int


@dataclass(frozen=True, kw_only=True, eq=False)
class MemoryMap:
    """All that follows the instructions, in vectors from the first one behind them.

    Attributes:
        stored: vectors of tables (an entry of zeros first), parameters and weights.
        tensors: first vector of each tensor; they follow what is stored.
        vectors: of all.
    """

    machine: Machine
    graph: Graph
    steps: tuple[Prepared, ...]
    stored: int
    tensors: dict[str, int]
    vectors: int

    def data(self) -> Bytes:
        """What is stored: uint8 [stored · V]. Only now are weights packed."""
        machine = self.machine
        data = np.zeros(self.stored * machine.vector, np.uint8)

        def put(at: int, part: Bytes) -> None:
            data[at * machine.vector : at * machine.vector + part.size] = part

        for each in self.steps:
            put(each.table_at, table_data(each.entries, machine))
            put(each.parameters_at, parameter_data(each.step, machine))
            put(each.weights_at, packed_words(each.step, each.banks, each.tiles, machine))
        return data


class _Room:
    """Hands out memory, each piece on a multiple of the longest burst."""

    def __init__(self, machine: Machine) -> None:
        self._align = machine.burst_beats
        self.at = 0

    def take(self, vectors: int) -> int:
        """The first of so many vectors."""
        start = self.at
        self.at += -(-vectors // self._align) * self._align
        return start


def memory_map(graph: Graph, machine: Machine) -> MemoryMap:
    """Prepares every step and lays out the memory.

    Raises:
        InputError: a step that does not fit the hardware.
    """
    banks = [Banks.of(step.convolution.c_in, machine) for step in graph.steps]
    areas = [regions(step, machine, b.planes) for step, b in zip(graph.steps, banks, strict=True)]
    tiles = [step_tiles(step, b, machine) for step, b in zip(graph.steps, banks, strict=True)]
    entries = [step_tables(*each) for each in zip(graph.steps, banks, areas, strict=True)]
    room = _Room(machine)
    room.take(machine.table_vectors)
    tables = [room.take(len(e) * machine.table_vectors) for e in entries]
    parameters = [room.take(len(t.columns) * PARAMETER_PITCH) for t in tiles]
    weights = [room.take(t.words) for t in tiles]
    stored = room.at
    raw = {step.output for step in graph.steps if step.raw}
    tensors = {}
    for tensor in graph.tensors:
        size = tensor_bytes(tensor.shape, machine.vector, raw=tensor.name in raw)
        tensors[tensor.name] = room.take(size // machine.vector)
    steps = [
        Prepared(
            step=step, banks=banks[i], regions=tuple(areas[i]), tiles=tiles[i], entries=entries[i],
            table_at=tables[i], parameters_at=parameters[i], weights_at=weights[i],
        )
        for i, step in enumerate(graph.steps)
    ]  # fmt: skip
    return MemoryMap(
        machine=machine, graph=graph, steps=tuple(steps), stored=stored, tensors=tensors, vectors=room.at,
    )  # fmt: skip
