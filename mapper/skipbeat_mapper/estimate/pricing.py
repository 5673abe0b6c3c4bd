"""The price of one workload: the best of its promising tactics, each priced by the timing model."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.estimate import Bound, MachineEvents
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_arch.timing import Events
from skipbeat_arch.workload import Convolution
from skipbeat_sim.timing.machine_timing import machine_timing

from ..banks import Banks
from ..bounds import lower_bounds
from ..input_folding import fold_input
from ..lowering import lower
from ..memory_map import memory_map
from ..node_mapping import NodeMapping
from ..node_tiles import NodeTiles
from ..timed_network import arrangements
from .candidates import Candidate, candidates, one_candidate
from .events import machine_events
from .part import node_graph, part_graph
from .phases import Phase, phases

#: Tactics are priced exactly if their rank is at most so much above the best one's,
CLOSE = 1.1
#: and at most so many, and as many as have so many passes together (more where compute and memory are bounds alike, so
#: that their overlap decides), or else the first one alone.
TRIED, TRIED_PASSES = 3, 300


@dataclass(frozen=True, kw_only=True, eq=False)
class PartCost:
    """One workload's program.

    Attributes:
        candidate: its tactic, tiles, regions and blocks.
        runner_up: the second best and its cycles; None if it was not tried, as it could hardly be better.
        bounds: lower bounds of the cycles.
    """

    cycles: int
    clocks: Mapping[Cause, int]
    events: Events
    machine: MachineEvents
    bounds: Mapping[Bound, int]
    candidate: Candidate
    phases: tuple[Phase, ...]
    runner_up: tuple[Candidate, int | None] | None = None


class Pricer:
    """Prices workloads on one machine, each only once.

    Raises:
        InputError: hardware that has no accelerator.
    """

    def __init__(self, hw: Hardware) -> None:
        self.machine = Machine.of(hw)
        self._known: dict[Hashable, PartCost] = {}

    def price(self, conv: Convolution, weight: Int8Array, name: str) -> PartCost:
        """The cost of a convolution of one image from memory to memory.

        Args:
            conv: of one image.
            weight: int8, see `part.weight_shape`; only its zeros count.
            name: for messages.

        Raises:
            InputError: it does not fit the hardware.
        """
        graph, _ = fold_input(part_graph(conv, weight, name), self.machine)
        tried = [(each.nodes[0], tiles[0]) for each, _, tiles in arrangements(graph, self.machine)]
        key = conv, *(tiles_key(tiles) for _, tiles in tried)
        if key not in self._known:
            banks = Banks.of(tried[0][0].convolution.c_in, self.machine)
            with _no_collection():
                costs = [self._search(node, banks, tiles) for node, tiles in tried]
            self._known[key] = min(costs, key=lambda cost: cost.cycles)
        return self._known[key]

    def _search(self, node: Node, banks: Banks, tiles: NodeTiles) -> PartCost:
        ranked = candidates(node, self.machine, banks, tiles)
        chosen = [each for each in ranked[:TRIED] if each.rank <= CLOSE * ranked[0].rank]
        most = TRIED_PASSES * (8 if ranked[0].mixed else 1)
        while len(chosen) > 1 and sum(each.passes for each in chosen) > most:
            chosen.pop()
        tried = [self._price(each) for each in chosen]
        order = sorted(tried, key=lambda cost: (cost.cycles, cost.machine.read_bytes + cost.machine.written_bytes))
        best = order[0]
        if len(ranked) == 1:
            return best
        second, cycles = (order[1].candidate, order[1].cycles) if len(order) > 1 else (ranked[1], None)
        return PartCost(
            cycles=best.cycles,
            clocks=best.clocks,
            events=best.events,
            machine=best.machine,
            bounds=best.bounds,
            candidate=best.candidate,
            phases=best.phases,
            runner_up=(second, cycles),
        )

    def with_tactic(self, node: Node, tactic: NodeMapping) -> PartCost:
        """The cost of a node, folded already, with a tactic that is given."""
        return self._price(one_candidate(node, self.machine, tactic))

    def _price(self, candidate: Candidate) -> PartCost:
        memory = memory_map(node_graph(candidate.node), self.machine, [candidate.tactic], [candidate.tiles])
        program = lower(memory, f"layer {candidate.node.layer.name}")
        timing = machine_timing(self.machine, program.instructions, program.tiles)
        moved = machine_events(self.machine, program.instructions, timing.bytes_read, timing.bytes_written)
        return PartCost(
            cycles=timing.cycles,
            clocks=timing.clocks,
            events=timing.events,
            machine=moved,
            bounds=lower_bounds(self.machine, program.instructions, program.tiles),
            candidate=candidate,
            phases=phases(program.instructions, timing.begin, timing.finish, timing.cycles),
        )


def tiles_key(tiles: NodeTiles) -> Hashable:
    """Equal for tiles that cost the same: their rows' cells and statistics, column by column."""
    digests: dict[int, bytes] = {}
    found = [(len(tiles.cells), tiles.cells.tobytes())]
    for column in tiles.columns:
        for tile in column:
            statistics = tile.statistics
            if id(statistics) not in digests:
                sizes = (
                    statistics.word_count,
                    statistics.encoding,
                    statistics.beat,
                    statistics.rows,
                    statistics.cols,
                    statistics.nonzeros,
                )
                data = np.concatenate([sizes, statistics.slots.ravel()]).astype("<i8").tobytes()
                digests[id(statistics)] = hashlib.blake2b(data, digest_size=16).digest()
            found.append((tile.number, digests[id(statistics)]))
        found.append((len(column), b""))
    return tuple(found)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without garbage collection: hundreds of thousands of small objects live until a program is priced."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
