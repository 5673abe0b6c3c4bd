"""Lower bounds on a step's cycles, from its whole program or, before there is one, from a tactic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skipbeat_arch.command import Encoding
from skipbeat_arch.estimate import Bound, MachineEvents
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Events


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


def lower_bounds(
    machine: Machine, tiles: Sequence[TileStatistics], events: Events, moved: MachineEvents
) -> Mapping[Bound, int]:
    """Lower bounds of a program's cycles.

    Args:
        machine: the hardware.
        tiles: of the passes that load one, in order.
        events: the core's; moved: those around it.
    """
    hw = machine.hw
    clocks: dict[int, int] = {}
    for tile in tiles:
        if id(tile) not in clocks:
            clocks[id(tile)] = tile_clocks(tile, machine)
    return {
        Bound.COMPUTE: events.weight_slot_reads // hw.pes,
        Bound.MEMORY: memory_clocks(machine, moved.read_bytes, moved.written_bytes),
        Bound.DECODER: sum(clocks[id(tile)] for tile in tiles),
        Bound.OUTPUT: moved.outputs // hw.outputs.lanes,
    }


def tightest(bounds: Mapping[Bound, int]) -> Bound:
    """The largest of the bounds; of equal ones the first."""
    return max(bounds, key=lambda bound: bounds[bound])
