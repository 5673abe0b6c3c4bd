"""The search for a node's mapping: a list of stages, each from candidates to candidates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

from skipbeat_arch.budget import passes
from skipbeat_arch.effort import Effort
from skipbeat_arch.progress import through

from ..bounds import tile_clocks
from ..candidates import Candidate
from ..memory_map import MemoryMap, PlacedNode
from ..placing.node_mapping import NodeMapping, Order
from ..units.network_units import turns
from .known_programs import KnownPrograms

Stage = Callable[[list[Candidate]], list[Candidate]]


@dataclass(frozen=True)
class Limits:
    """Which mappings are priced exactly.

    Attributes:
        close: those whose rank is at most so much above the best one's,
        tried: at most so many,
        passes: and as many as have so many passes together (more where compute and memory are bounds alike, so that
            their overlap decides), or else the first one alone.
    """

    close: float
    tried: int
    passes: int


LIMITS = {
    Effort.QUICK: Limits(close=1.0, tried=1, passes=0),
    Effort.NORMAL: Limits(close=1.1, tried=3, passes=300),
    Effort.BEST: Limits(close=1.3, tried=8, passes=3000),
}


def every_mapping(found: list[Candidate]) -> list[Candidate]:
    """Every order, size of block and share of the banks for the one candidate that is given; it stays the first."""
    plain = found[0]
    sizes = (plain.placed.mapping.pixels, plain.machine.hw.accumulators.depth, *_block_sizes(plain))
    shares = (2, 1) if len(plain.placed.regions) > 1 else (2,)
    mappings = [
        NodeMapping(order=order, pixels=pixels, share=share)
        for share in shares
        for pixels in dict.fromkeys(sizes)
        for order in (Order.ACTIVATIONS, Order.WEIGHTS, Order.COLUMNS)
        if order != Order.ACTIVATIONS or not plain.slices  # which would be loaded for every block
    ]
    shared = {each: plain.with_mapping(dataclasses.replace(plain.placed.mapping, share=each)) for each in shares}
    others = (first.with_mapping(each) for each in mappings if (first := shared[each.share]) is not None)
    return [plain, *(each for each in others if each is not None)]


def drop_equal(found: list[Candidate]) -> list[Candidate]:
    """One of those that run alike, the first."""
    kept: dict[Hashable, Candidate] = {}
    for each in found:
        kept.setdefault(each.signature, each)
    return list(kept.values())


def rank_by_bounds(found: list[Candidate]) -> list[Candidate]:
    """The most promising first."""
    return sorted(found, key=lambda each: each.rank)


def keep_close(found: list[Candidate], limits: Limits = LIMITS[Effort.NORMAL]) -> list[Candidate]:
    """The best few, as far as pricing them takes no longer than it is worth."""
    close = [each for each in found[: limits.tried] if each.rank <= limits.close * found[0].rank]
    most = limits.passes * (8 if found[0].mixed else 1)
    while len(close) > 1 and sum(each.passes for each in close) > most:
        close.pop()
    return close


def price_exactly(found: list[Candidate], known: KnownPrograms | None = None) -> list[Candidate]:
    """By their clocks in the timing model, and of equally quick ones the one that moves less; one alone as it is.

    One whose steps alone take longer than another one as a whole is left out.
    """
    if len(found) == 1:
        return found
    priced, known = list[Candidate](), known or KnownPrograms()
    for each in found:
        if all(each.steps <= (other.exact or 0) for other in priced):
            priced.append(dataclasses.replace(each, exact=_clocks(each, known)))
    return sorted(priced, key=lambda each: (each.exact, each.moved))


def stages(effort: Effort, known: KnownPrograms | None = None) -> tuple[Stage, ...]:
    """What the search does, in order; only the last two look at the memory's latency."""
    close, exactly = partial(keep_close, limits=LIMITS[effort]), partial(price_exactly, known=known)
    return every_mapping, drop_equal, rank_by_bounds, close, exactly


def search(
    plain: Candidate, effort: Effort = Effort.NORMAL, known: KnownPrograms | None = None, key: Hashable = None
) -> list[Candidate]:
    """The mappings of a node that all stages leave, the best first.

    Args:
        plain: the node with its plain mapping.
        effort: of the search.
        known: what is known from before; None: nothing.
        key: of the node among those that are known.
    """
    known = known or KnownPrograms()
    first, then = (every := stages(effort, known))[:3], every[3:]
    return _through(then, known.candidates(plain, key, lambda: _through(first, [plain])))


def _through(every: Sequence[Stage], found: list[Candidate]) -> list[Candidate]:
    for stage in every:
        found = stage(found)
    return found


class MappingSearch:
    """Searches node by node, equal nodes in equal places once.

    Attributes:
        before: the search whose mappings are tried too, so that more effort is never worse; None: there is none.
    """

    def __init__(self, effort: Effort = Effort.NORMAL) -> None:
        self.effort = effort
        self.before = MappingSearch() if effort is Effort.BEST else None
        self._known: dict[Hashable, list[Candidate]] = {}

    def network(self, memory: MemoryMap, known: KnownPrograms | None = None) -> list[list[Candidate]]:
        """For each node of a network its mappings, the best first; of two that run together, the first one's decides.

        Args:
            memory: the network with plain mappings.
            known: what is known of it from before; None: nothing.
        """
        found: list[list[Candidate]] = []
        hw, nodes = memory.machine.hw, memory.groups[0].nodes
        for turn in through(
            turns(memory.groups[0]),
            lambda turn: nodes[turn[0]].node.layer.name,
            lambda turn: sum(passes(nodes[each].node.convolution, hw) for each in turn),
        ):
            for number in turn:
                key = number - turn[0], *(node_key(memory.groups[0].nodes[each]) for each in turn)
                if key not in self._known:
                    placed = memory.groups[0].nodes[number]
                    self._known[key] = search(Candidate(memory, turn, number, placed), self.effort, known, key)
                found.append(self._known[key])
                memory = _with(memory, found[-1][0].placed.mapping, number)
        return found


def _with(memory: MemoryMap, mapping: NodeMapping, number: int) -> MemoryMap:
    """The network with a node's mapping in the first group of images."""
    placed = memory.groups[0].nodes[number]
    chosen = Candidate(memory, (number,), number, placed).with_mapping(mapping)
    return memory if chosen is None else dataclasses.replace(memory, groups=(chosen.group, *memory.groups[1:]))


def _clocks(candidate: Candidate, known: KnownPrograms) -> int:
    """Clocks of its turn alone: what it reads on the chip is there, and weights begin to come when it starts."""
    memory = dataclasses.replace(candidate.memory, groups=(candidate.group,))
    return known.timed(memory, candidate.node.layer.name, candidate.turn)[1].cycles


def _block_sizes(plain: Candidate) -> tuple[int, ...]:
    """Blocks whose passes still take longer than the next tile's way into the array."""
    distinct = plain.tiles.table.statistics
    longest = max((-(-tile_clocks(tile, plain.machine) // tile.beat) for tile in distinct), default=1)
    size = 1 << longest.bit_length()
    return size, 2 * size, 4 * size, 8 * size


def node_key(placed: PlacedNode) -> Hashable:
    """Equal for nodes that run alike in their places, wherever they lie in memory."""
    node, (first, stop) = placed.node, placed.gap
    return (
        dataclasses.replace(node.convolution, order="kh,kw,cin"),
        node.pool,
        node.residual is not None,
        node.vectors,
        placed.images,
        placed.mapping,
        placed.regions,
        *(chain and chain.region for chain in (placed.input, placed.output)),
        stop - first,
        placed.writes,
        node.operand,
        placed.banks.slices,
        placed.tables.runs,
        hash(placed.tables.entries.tobytes()),
        placed.tiles.key,
    )


def network_key(memory: MemoryMap) -> Hashable:
    """Equal for networks that run alike."""
    places = {tensor.name: number for number, tensor in enumerate(memory.graph.tensors)}
    parts = tuple((places[name], first) for tensor in memory.graph.tensors for name, first in tensor.parts)
    return parts + tuple(
        (places[each.node.input], each.node.residual and places[each.node.residual], node_key(each))
        for group in memory.groups
        for each in group.nodes
    )
