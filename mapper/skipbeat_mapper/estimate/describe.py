"""How a node runs, in words: loops with their sizes, what lies where, its encodings, and what a reader should know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from skipbeat_arch.estimate import Bound, Schedule
from skipbeat_arch.tile import TileStatistics

from ..candidates import Candidate
from ..placing.chained_outputs import Chain
from ..placing.regions import Region
from ..search.timed_network import TimedNetwork
from ..units.network_units import turns

T = TypeVar("T", bound=Hashable)


def node_schedule(network: TimedNetwork, number: int, bounds: Mapping[Bound, int], walks: tuple[str, ...]) -> Schedule:
    """How a node of a network runs.

    Args:
        network: with its program.
        number: of the node.
        bounds: of its clocks.
        walks: what each engine does for it.
    """
    chosen = chosen_mapping(network, number)
    return Schedule(
        order=loops(chosen),
        places=places(chosen, network),
        walks=walks,
        encodings={each.name.lower(): count for each, count in _counted(chosen, lambda tile: tile.encoding).items()},
        bounds=bounds,
        runner_up=runner_up(network, chosen),
        notes=imbalance(chosen),
    )


def chosen_mapping(network: TimedNetwork, number: int) -> Candidate:
    """A node of a network with the mapping that it has."""
    group = network.memory.groups[0]
    turn = next(turn for turn in turns(group) if number in turn)
    return Candidate(network.memory, turn, number, group.nodes[number])


def runner_up(network: TimedNetwork, chosen: Candidate) -> tuple[str, int, int] | None:
    """The quickest other mapping of a node that was priced, if the chosen one was too."""
    found = network.found[chosen.number] if network.found else ()
    own = next((each.exact for each in found if each.signature == chosen.signature), None)
    other = next((each for each in found if each.signature != chosen.signature), None)
    if own is None or other is None or other.exact is None:
        return None
    return phrase(other), other.exact, own


def phrase(candidate: Candidate) -> str:
    """A mapping in a line."""
    most, count = max(candidate.blocks), len(candidate.placed.regions)
    return f"{candidate.order}; {_times(count, 'region')}, blocks of at most {most} pixels"


def loops(candidate: Candidate) -> tuple[str, ...]:
    """The loop nest, outermost first."""
    regions, columns, blocks = candidate.placed.regions, candidate.tiles.columns, candidate.blocks
    words = candidate.tiles.words
    lines = {
        "region": f"{_times(len(regions), 'region')} of at most {_size(regions)} outputs",
        "column tile": f"{_times(len(columns), 'column tile')} of at most {candidate.machine.vector} outputs, "
        f"{words * candidate.machine.vector:,} bytes of weights together",
        "block": f"{_times(-(-len(blocks) // len(regions)), 'block')} of at most {max(blocks)} pixels",
    }
    return (*(lines[name] for name in candidate.order.split(", ")), _tile_line(candidate))


def places(candidate: Candidate, network: TimedNetwork) -> tuple[str, ...]:
    """What lies where: input and output, weights, banks and offset tables."""
    placed, nodes, machine = candidate.placed, network.memory.graph.nodes, candidate.machine
    banks, words = placed.banks, candidate.tiles.words
    taps = f", {banks.taps} kernel taps side by side" if banks.taps > 1 else ""
    last = [str(period) for period in banks.periods if period < banks.period]
    repeated = f" ({' and '.join(last)} in the last of these)" if last else ""
    if words <= machine.weight_depth:
        weights = "all of them stay in the weight buffer"
    elif max(candidate.tiles.column_words) <= machine.weight_depth // 2:
        weights = "those of one column tile stay while they are used"
    else:
        weights = "they come in parts, for every block anew"
    if placed.node.operand:
        weights = f"each product has its own, a second operand; {weights}"
    source = nodes[placed.input.source].layer.name if placed.input else ""
    target = nodes[placed.output.reader].layer.name if placed.output else ""
    shared = [nodes[other].layer.name for other in candidate.turn if other != candidate.number]
    found = [
        f"input: {_source(placed.input, source, placed.regions)}",
        f"channels: {banks.period} banks before they repeat, {_times(banks.planes, 'entry', 'entries')} of each for a "
        f"pixel{repeated}{taps}{', slices of a channel block each' if candidate.slices else ''}",
        f"weights: {weights}",
        f"offset tables: {_times(len(placed.tables.entries), 'entry', 'entries')} beside that of zeros",
        f"output: {_target(placed.output, placed.writes, target)}",
    ]
    if candidate.node.residual is not None:
        found.append(f"residual: {candidate.node.residual}, block by block from memory")
    return (*found, *(f"blocks take turns with those of {name}" for name in shared))


def _source(chain: Chain | None, name: str, regions: Sequence[Region]) -> str:
    if chain is None:
        entries = max(region.entries for region in regions)
        return f"from memory, at most {entries:,} entries of the banks at a time"
    return f"stays on the chip, where {name} wrote it: entries {chain.base:,} to {chain.base + chain.region.entries:,}"


def _target(chain: Chain | None, writes: bool, name: str) -> str:
    found = ["to memory"] if writes else []
    if chain is not None:
        stop = chain.base + chain.region.entries
        found.append(f"into entries {chain.base:,} to {stop:,} of the banks, where {name} reads it")
    return " and ".join(found)


def _tile_line(candidate: Candidate) -> str:
    columns = candidate.tiles.columns
    most = max((len(column) for column in columns), default=0)
    if not most:
        return "no tile has weights: a null pass for each block"
    beats = _counted(candidate, lambda tile: tile.beat)
    used = ", ".join(f"b = {beat} in {count}" for beat, count in sorted(beats.items()))
    hw = candidate.machine.hw
    size = f"{hw.array.rows} x {hw.array.group} inputs"
    return f"{_times(most, 'tile')} of {size} along the reduction, each of b steps per pixel: {used} of all tiles"


def imbalance(candidate: Candidate) -> tuple[str, ...]:
    """What is lost because all groups of a tile take as many steps as the fullest one; nothing if nothing is."""
    steps = balanced = 0
    for tile, times in candidate.tiles.statistics:
        steps += tile.beat * times
        balanced += -(-tile.nonzeros // (tile.rows * tile.cols)) * times
    if balanced == steps:
        return ()
    share = (steps - balanced) / steps
    return (f"imbalance between groups costs {share:.1%} of the steps: b is that of the fullest group of a tile",)


def _counted(candidate: Candidate, measured: Callable[[TileStatistics], T]) -> Counter[T]:
    """How many tiles have each of what is measured."""
    found: Counter[T] = Counter()
    for tile, times in candidate.tiles.statistics:
        found[measured(tile)] += times
    return found


def _times(count: int, what: str, several: str | None = None) -> str:
    return f"{count} {what if count == 1 else several or what + 's'}"


def _size(regions: Sequence[Region]) -> str:
    high = max(region.rows[1] - region.rows[0] for region in regions)
    wide = max(region.columns[1] - region.columns[0] for region in regions)
    return f"{high}x{wide}"
