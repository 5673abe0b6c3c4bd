"""What a program with other mappings could save, by the bounds of its nodes: whether it is worth being timed."""

from __future__ import annotations

from collections.abc import Sequence

from .candidates import Candidate
from .memory_map import MemoryMap
from .network_units import turns


def most_saved(cycles: Sequence[int], timed: MemoryMap, other: MemoryMap) -> int:
    """Clocks that are saved if each turn whose mappings differ takes no more than its bounds say.

    Args:
        cycles: of each node in the program that was timed.
        timed: its memory map.
        other: that of the same network with other mappings.
    """
    chosen, nodes, every = timed.groups[0].nodes, other.groups[0].nodes, turns(other.groups[0])
    times = sum(group.images for group in other.groups) / other.groups[0].images
    saved = 0
    for turn in every:
        if any(chosen[number].mapping != nodes[number].mapping for number in turn):
            candidates = [Candidate(other, turn, number, nodes[number]) for number in turn]
            # Between others, a node's ends may cost nothing.
            least = sum(each.cycles if len(every) == 1 else each.bound for each in candidates)
            saved += max(0, sum(cycles[number] for number in turn) - int(least * times))
    return saved
