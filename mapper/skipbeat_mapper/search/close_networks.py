"""Which of a network's arrangements are worth timing as a whole: those whose nodes' ranks come close to the best."""

from __future__ import annotations

from collections.abc import Sequence

from skipbeat_arch.effort import Effort

from ..candidates import Candidate
from ..memory_map import MemoryMap
from .stages import LIMITS, Limits


def close_networks(memories: Sequence[MemoryMap], limits: Limits = LIMITS[Effort.NORMAL]) -> list[bool]:
    """Whether each is to be timed: no other one's rank is much better, over the nodes in which the two differ.

    Each may have another one that is better so, as two differ in other nodes than the next two; then all are timed.

    It is the search's own rule for the mappings of a node. With N:M or all weights that often leaves one: rows in the
    plain order are slower in the first convolution, and alike in all others.

    Args:
        memories: of one network with plain mappings, in different arrangements of its weights.
        limits: say how close is close.
    """
    ranks = [_ranks(each) for each in memories]
    close = [not any(_much_better(other, own, limits.close) for other in ranks) for own in ranks]
    return close if any(close) else [True] * len(ranks)


#: For each node the identity of its tiles, and its rank.
_Ranks = list[tuple[int, float]]


def _ranks(memory: MemoryMap) -> _Ranks:
    nodes = memory.groups[0].nodes
    return [(id(each.tiles), Candidate(memory, (at,), at, each).rank) for at, each in enumerate(nodes)]


def _much_better(other: _Ranks, own: _Ranks, close: float) -> bool:
    pairs = [(theirs[1], mine[1]) for theirs, mine in zip(other, own, strict=True) if theirs[0] != mine[0]]
    return close * sum(theirs for theirs, _ in pairs) < sum(mine for _, mine in pairs)
