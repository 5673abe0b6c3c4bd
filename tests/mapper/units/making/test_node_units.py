"""The units of a node: every product of every output once, with its activation where the pass reads it."""

from __future__ import annotations

import itertools
from collections import Counter
from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.memory_map import Group, PlacedNode
from skipbeat_mapper.tiles.row_order import NONE
from skipbeat_mapper.units.units import Space, Walk
from tests.mapper.listed import Clear, Load, PassOp, Unit, visited
from tests.mapper.placed import Contents, graph_of, group_of, placed, vectors, write_banks
from tests.mapper.random_nodes import few, in_map, narrow_nodes, nodes

#: Small buffers: several regions, blocks, and loads of the same weights.
MACHINES = {
    "shallow": Machine.of(load_hardware("tiny-4x4", ["activations.buffer_kib=1", "accumulators.depth=2"])),
    "tiny-4x4": Machine.of(load_hardware("tiny-4x4", ["activations.buffer_kib=1", "accumulators.depth=16"])),
    "edge-16x16": Machine.of(load_hardware("edge-16x16", ["activations.buffer_kib=4", "weights.buffer_kib=2"])),
}


class Chip:
    """What the loads of a node leave on the chip."""

    def __init__(self, machine: Machine, group: Group, node: PlacedNode) -> None:
        self._machine, self._group, self._node = machine, group, node
        self.banks: Contents = {}
        self.weights, self.table = dict[int, int](), dict[int, int]()
        #: Word of the tile in the array.
        self.resident = -1

    def load(self, load: Load | Clear) -> None:
        """Does what a load does."""
        if isinstance(load, Clear):
            entries = (entry for span in load.spans for entry in range(*span))
            self.banks |= {(b, e): None for e in entries for b in range(self._machine.hw.array.rows)}
        elif load.kind == Kind.ACTIVATIONS:
            conv = self._node.node.convolution
            first = load.source - self._group.tensors["input"]
            data = vectors(first, load.count, (conv.height, conv.width), self._group.images)
            self.banks.update(write_banks(load, data, self._machine))
        elif load.kind == Kind.WEIGHTS:
            self.weights |= {load.to + n: load.source - self._node.weights_at + n for n in range(load.count)}
        elif load.kind == Kind.TABLE:
            each = self._machine.table_vectors
            first = (load.source - self._node.table_at) // each
            self.table |= {load.to // each + n: first + n for n in range(load.count // each)}

    def offsets(self, op: PassOp) -> list[int]:
        """The table entry that a pass uses."""
        rows = self._machine.hw.array.rows
        return self._node.tables.entries[self.table[op.table]].tolist() if op.table else [0] * rows


def walked(walk: Walk, base: int) -> list[int]:
    """The entries of a walk, the innermost loop first."""
    loops = [[n * step for n in range(count)] for count, step in zip(walk.counts, walk.steps, strict=True)]
    return [base + sum(at) for at in itertools.product(*loops[::-1])]


def block_items(node: Node, unit: Unit, machine: Machine, group: Group) -> list[tuple[int, int, int]]:
    """Row and column of every sum of a block, before pooling and in their order, and its image."""
    assert unit.store is not None
    _, height, width = node.out_shape
    scale = 4 if node.raw else 1
    first = (unit.store.address - group.tensors["output"]) // scale
    pool = node.window
    found = []
    for _, row, column, image in vectors(first, unit.store.count, (height, width), group.images):
        for down, across in itertools.product(range(pool.kernel[0]), range(pool.kernel[1])):
            found.append((row * pool.stride[0] + down, column * pool.stride[1] + across, image))
    return found


def check_pass(chip: Chip, node: PlacedNode, unit: Unit, op: PassOp, items: list[tuple[int, int, int]]) -> None:
    """Every row reads, for every sum, the input of its tap and channel group."""
    banks, conv = node.banks, node.node.convolution
    every = zip(node.tiles.at, node.tiles.columns, strict=True)
    tile = next(t for first, column in every for t in column if first + t.at == chip.resident)
    cells, taps = node.tiles.cells[tile.number], banks.cell_taps(node.node.taps)
    entries = walked(unit.walk, op.base)
    assert len(entries) == len(items) == op.command.pixels
    reads = {r.space: (r.start, r.stop) for r in op.reads}[Space.ACTIVATIONS]
    offsets = chip.offsets(op)
    for bank in range(op.command.rows):
        if cells[bank] == NONE:
            continue
        turn, row = divmod(int(cells[bank]), banks.rows)
        tap = divmod(int(taps[turn, row]), conv.kernel[1])
        group = group_of(banks, turn, row)
        if taps[turn, row] < 0 or group * banks.group >= conv.c_in:
            continue
        for entry, (high, wide, image) in zip(entries, items, strict=True):
            pixel = high * conv.stride[0] + tap[0] * conv.dilation[0], wide * conv.stride[1] + tap[1] * conv.dilation[1]
            real = in_map(node.node, *pixel)
            wanted = (group, pixel[0] - conv.padding[0], pixel[1] - conv.padding[1], image) if real else None
            assert chip.banks[bank, entry + offsets[bank]] == wanted
            assert reads[0] <= entry + offsets[bank] < reads[1]


@pytest.mark.parametrize("preset", MACHINES)
@few
@given(nodes(larger=5), st.integers(1, 2))
def test_every_pass_reads_what_its_weights_are_for(preset: str, node: Node, images: int) -> None:
    check_units(MACHINES[preset], node, images, slices=False)


@pytest.mark.parametrize("preset", MACHINES)
@few
@given(narrow_nodes(), st.integers(1, 2))
def test_every_pass_of_a_slice_does(preset: str, node: Node, images: int) -> None:
    check_units(MACHINES[preset], node, images, slices=True)


def check_units(machine: Machine, node: Node, images: int, *, slices: bool) -> None:
    """Every product of every output once, of what the banks hold at that time."""
    try:
        memory = placed(graph_of(node), machine, images, slices=slices)
        group = memory.groups[0]
    except InputError:
        assume(False)
    placed_node, chip = group.nodes[0], Chip(machine, group, group.nodes[0])
    done: Counter[tuple[int, int, int, int]] = Counter()
    for visit in visited(memory):
        first = placed_node.tiles.at[visit.column]
        tiles = {first + tile.at for tile in placed_node.tiles.columns[visit.column]}
        items, left, begins = list[tuple[int, int, int]](), set(tiles), 0
        for unit in visit.units:
            for load in unit.loads:
                chip.load(load)
            if unit.store is not None:
                items = block_items(node, unit, machine, group)
            stop = begins + unit.walk.items
            for op in unit.passes:
                assert op.command.first == (left == tiles)
                if op.command.load:
                    chip.resident = chip.weights[op.weights]
                    words = [chip.weights[op.weights + n] for n in range(op.words)]
                    assert words == list(range(chip.resident, chip.resident + op.words))
                if op.command.beat:
                    check_pass(chip, placed_node, unit, op, items[begins:stop])
                    left.remove(chip.resident)
                assert op.command.last == (not left)
            if not left:  # the next pixels of a window that has more than a block
                left, begins = set(tiles), stop
        assert begins == len(items)
        done.update((visit.column, *item) for item in items)
    pool = node.window.kernel[0] * node.window.kernel[1]
    assert done.total() == len(placed_node.tiles.columns) * prod(node.out_shape[1:]) * group.images * pool
