"""Where everything lies in memory, and what is prepared for each step before the plan is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skipbeat_arch.graph import Graph, Step
from skipbeat_arch.machine import Machine
from skipbeat_arch.tensor_layout import Bytes, tensor_bytes

from .banks import Banks
from .regions import Region, regions
from .tables import Offsets, step_tables, table_data
from .tiles import StepTiles, parameter_data, step_tiles


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
        data: uint8: tables (an entry of zeros first), parameters, weights.
        tensors: first vector of each tensor; they follow `data`.
        vectors: of data and tensors.
    """

    machine: Machine
    graph: Graph
    steps: tuple[Prepared, ...]
    data: Bytes
    tensors: dict[str, int]
    vectors: int


class _Builder:
    """Appends data, each piece on a multiple of the longest burst."""

    def __init__(self, machine: Machine) -> None:
        self._vector, self._align = machine.vector, machine.burst_beats
        self._parts: list[Bytes] = []
        self.at = 0

    def append(self, data: Bytes) -> int:
        """Its first vector."""
        start = self.reserve(-(-data.size // self._vector))
        size = (self.at - start) * self._vector
        self._parts.append(np.concatenate([data, np.zeros(size - data.size, np.uint8)]))
        return start

    def reserve(self, vectors: int) -> int:
        """The first of so many vectors without data."""
        start = self.at
        self.at += -(-vectors // self._align) * self._align
        return start

    def data(self) -> Bytes:
        return np.concatenate(self._parts)


def memory_map(graph: Graph, machine: Machine) -> MemoryMap:
    """Prepares every step and lays out the memory.

    Raises:
        InputError: a step that does not fit the hardware.
    """
    banks = [Banks.of(step.convolution.c_in, machine) for step in graph.steps]
    areas = [regions(step, machine, b.planes) for step, b in zip(graph.steps, banks, strict=True)]
    tiles = [step_tiles(step, b, machine) for step, b in zip(graph.steps, banks, strict=True)]
    entries = [step_tables(*each) for each in zip(graph.steps, banks, areas, strict=True)]
    builder = _Builder(machine)
    builder.append(table_data(((0,) * machine.hw.array.rows,), machine))
    tables = [builder.append(table_data(e, machine)) for e in entries]
    parameters = [builder.append(parameter_data(step, machine)) for step in graph.steps]
    weights = [builder.append(t.data(machine.vector)) for t in tiles]
    raw = {step.output for step in graph.steps if step.raw}
    tensors = {}
    for tensor in graph.tensors:
        size = tensor_bytes(tensor.shape, machine.vector, raw=tensor.name in raw)
        tensors[tensor.name] = builder.reserve(size // machine.vector)
    steps = [
        Prepared(
            step=step, banks=banks[i], regions=tuple(areas[i]), tiles=tiles[i], entries=entries[i],
            table_at=tables[i], parameters_at=parameters[i], weights_at=weights[i],
        )
        for i, step in enumerate(graph.steps)
    ]  # fmt: skip
    return MemoryMap(
        machine=machine, graph=graph, steps=tuple(steps), data=builder.data(), tensors=tensors, vectors=builder.at
    )
