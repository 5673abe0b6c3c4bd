"""Lower bounds on the clocks of instructions: what each unit needs for its part of them, if it never waits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skipbeat_arch.command import Encoding
from skipbeat_arch.depths import output_clocks
from skipbeat_arch.engines import Opcode
from skipbeat_arch.estimate import Bound
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics
from skipbeat_sim.timing.columns import Columns, different_pairs


def tile_clocks(tile: TileStatistics, machine: Machine) -> int:
    """The decoder's least clocks for a tile: a word or a slot of a row per clock, and the metadata of its rows."""
    hw = machine.hw
    metadata = 0 if tile.encoding == Encoding.DENSE else tile.rows * (hw.array.cols // hw.weights.decode_lanes)
    return max(tile.word_count, tile.rows * tile.beat, metadata)


def memory_clocks(machine: Machine, read_bytes: int, written_bytes: int) -> int:
    """The least clocks of so many bytes: reads and writes share the memory unless it serves them apart."""
    port = machine.beat_bytes
    if machine.duplex:
        return -(-max(read_bytes, written_bytes) // port)
    return -(-(read_bytes + written_bytes) // port)


def moved_bytes(machine: Machine, program: Columns) -> tuple[int, int]:
    """Bytes over the memory bus, read and written; the instructions themselves are read too."""
    counts = program.count * program.times
    loaded = int(counts[program.at(Opcode.LOAD)].sum())
    stores = program.stores
    vectors = counts[stores] * program.memory[stores] * program.vectors[stores]
    return program.total * INSTRUCTION_BYTES + loaded * machine.vector, int(vectors.sum()) * machine.vector


def lower_bounds(machine: Machine, program: Columns) -> Mapping[Bound, int]:
    """Lower bounds of the clocks of some instructions of a program."""
    passes, (pixels, beat, *_) = program.passes, program.passes.fields
    return {
        Bound.COMPUTE: int((pixels * np.maximum(beat, 1) * passes.times).sum()),
        Bound.MEMORY: memory_clocks(machine, *moved_bytes(machine, program)),
        Bound.DECODER: passes.sum_of_tiles([tile_clocks(tile, machine) for tile in passes.tiles]),
        Bound.OUTPUT: _output(machine, program),
    }


def tightest(bounds: Mapping[Bound, int]) -> Bound:
    """The largest of the bounds; of equal ones the first."""
    return max(bounds, key=lambda bound: bounds[bound])


def _output(machine: Machine, program: Columns) -> int:
    """Clocks that the output stage needs for the items of all STOREs."""
    stores = program.at(Opcode.STORE)
    kinds, kind = different_pairs(program.pool[stores], program.vectors[stores])
    clocks = np.array([output_clocks(machine.hw, pool, vectors=each) for pool, each in kinds], np.int64)
    return int(((program.count * program.times)[stores] * clocks[kind]).sum())
