"""A chosen schedule in words: the loop nest with sizes, its encodings, and what a reader should know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from skipbeat_arch.estimate import Bound, Schedule
from skipbeat_arch.tile import TileStatistics

from ..regions import Region
from .candidates import Candidate
from .pricing import PartCost


def schedule(costs: Sequence[tuple[PartCost, int]]) -> Schedule:
    """How a layer runs: its parts one after the other, each with its repeats.

    With several parts, the loops are those of the longest one, and of the others it is said how many there are.
    """
    longest, times = max(costs, key=lambda each: each[0].cycles * each[1])
    notes = list(imbalance(longest.candidate))
    if len(costs) > 1:
        notes.append(f"{len(costs)} parts run one after the other; the loops shown are those of the longest one")
    encodings: Counter[str] = Counter()
    bounds: Counter[Bound] = Counter()
    for cost, repeats in costs:
        encodings.update(_encodings(cost.candidate))
        bounds.update({bound: clocks * repeats for bound, clocks in cost.bounds.items()})
    runner_up = longest.runner_up
    return Schedule(
        order=loops(longest.candidate, times),
        encodings=dict(encodings),
        bounds=dict(bounds),
        runner_up=None if runner_up is None else _second(*runner_up),
        notes=tuple(notes),
    )


def _second(candidate: Candidate, cycles: int | None) -> tuple[str, int]:
    """The runner-up; of one that was not tried what its rank came from."""
    if cycles is None:
        return f"{phrase(candidate)} (not tried, its cycles are estimated)", candidate.cycles
    return phrase(candidate), cycles


def phrase(candidate: Candidate) -> str:
    """A tactic in a line."""
    most = max(candidate.blocks)
    count = len(candidate.regions)
    return f"{candidate.tactic.order}; {count} region{'s' * (count > 1)}, blocks of at most {most} pixels"


def loops(candidate: Candidate, repeats: int) -> tuple[str, ...]:
    """The loop nest, outermost first."""
    regions, columns, blocks = candidate.regions, candidate.tiles.columns, candidate.blocks
    words = candidate.tiles.words
    lines = {
        "region": f"{_times(len(regions), 'region')} of at most {_size(regions)} outputs: activations are loaded",
        "column tile": f"{_times(len(columns), 'column tile')} of at most {candidate.machine.vector} outputs, "
        f"{words * candidate.machine.vector} bytes of weights together",
        "block": f"{_times(-(-len(blocks) // len(regions)), 'block')} of at most {max(blocks)} pixels",
    }
    order = [lines[name] for name in candidate.tactic.order.split(", ")]
    again = [f"{repeats} times the same"] if repeats > 1 else []
    return (*again, *order, _tile_line(candidate))


def _tile_line(candidate: Candidate) -> str:
    columns = candidate.tiles.columns
    most = max((len(column) for column in columns), default=0)
    if not most:
        return "no tile has weights: a null pass for each block"
    beats = Counter(tile.statistics.beat for column in columns for tile in column)
    used = ", ".join(f"b = {beat} in {count}" for beat, count in sorted(beats.items()))
    hw = candidate.machine.hw
    size = f"{hw.array.rows} x {hw.array.group} inputs"
    return f"{_times(most, 'tile')} of {size} along the reduction, each of b steps per pixel: {used} of all tiles"


def imbalance(candidate: Candidate) -> tuple[str, ...]:
    """What is lost because all groups of a tile take as many steps as the fullest one; nothing if nothing is."""
    steps = balanced = 0
    for tile in _tiles(candidate):
        steps += tile.beat
        balanced += -(-tile.nonzeros // (tile.rows * tile.cols))
    if balanced == steps:
        return ()
    share = (steps - balanced) / steps
    return (
        f"imbalance between groups costs {share:.1%} of the steps: b is that of the fullest group of a tile, whatever "
        "the order of channels and of each row's groups",
    )


def _encodings(candidate: Candidate) -> Counter[str]:
    return Counter(tile.encoding.name.lower() for tile in _tiles(candidate))


def _tiles(candidate: Candidate) -> list[TileStatistics]:
    return [tile.statistics for column in candidate.tiles.columns for tile in column]


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}"


def _size(regions: Sequence[Region]) -> str:
    high = max(region.rows[1] - region.rows[0] for region in regions)
    wide = max(region.columns[1] - region.columns[0] for region in regions)
    return f"{high}x{wide}"
