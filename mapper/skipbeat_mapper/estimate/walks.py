"""The loops of each engine for a node, in words: how often, over how many entries, and how far apart these are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH

from ..order import places as at
from ..order.places import NOWHERE
from ..program.schedule import Schedule
from ..units.making import fields as f
from ..units.units import Walk

#: Most walks of a kind that are shown; those of fewer instructions are only counted.
SHOWN = 3


class _Alike(NamedTuple):
    """Instructions of a node that go alike.

    Attributes:
        key: what is alike. instructions: how many they are.
        first, last: the least and the greatest entry with which one begins.
        vectors: of all. most: of one.
    """

    key: tuple[int, ...]
    instructions: int
    first: int
    last: int
    vectors: int
    most: int


#: By nodes, and what else is told apart.
Groups = Mapping[tuple[int, ...], Sequence[_Alike]]


def engine_walks(schedule: Schedule) -> list[tuple[str, ...]]:
    """What each engine does for each node of the first group of images.

    A line for each walk, those with the most instructions first.
    """
    units, nodes = schedule.units, schedule.memory.groups[0].nodes
    loads, passes, stores = _loads(schedule), _passes(schedule), _stores(schedule)
    found = []
    for number, placed in enumerate(nodes):
        lines = list[str]()
        for kind in Kind:
            # those of so many column tiles go through all of their ring, if not in the units that stand for others
            turns = kind == Kind.PARAMETERS and len(placed.tiles.columns) > PARAMETER_BLOCKS
            last = (PARAMETER_BLOCKS - 1) * PARAMETER_PITCH if turns else 0
            every = [each._replace(last=max(each.last, last)) for each in loads.get((number, kind), ())]
            lines += _shown(f"LOADs of {kind.name.lower()}", every, _load)
        lines += _shown("PASSes", passes.get((number,), ()), lambda each: _pass(units.walks[each.key[0]], each))
        lines += _shown("STOREs", stores.get((number,), ()), _store)
        found.append(tuple(lines))
    return found


def _loads(schedule: Schedule) -> Groups:
    """Of each node and kind the loads of each kind of lines."""
    units, there = schedule.units, schedule.units.loads[f.SOURCE] != NOWHERE
    loads, of = units.loads[:, there], units.of_loads[there]
    heads, keys = (units.columns[at.NODE][of], loads[f.SPACE]), (loads[f.WIDTH], loads[f.LINE_PITCH])
    times, count = schedule.ordered.times[of], loads[f.SOURCE_STOP] - loads[f.SOURCE]
    return _grouped(heads, keys, times, loads[f.TO], count)


def _passes(schedule: Schedule) -> Groups:
    """Of each node the passes of each walk."""
    columns, of, base = schedule.units.columns, schedule.units.of_passes, schedule.units.passes[f.BASE]
    return _grouped((columns[at.NODE][of],), (columns[at.WALK][of],), schedule.ordered.times[of], base, base)


def _stores(schedule: Schedule) -> Groups:
    """Of each node the stores of each target."""
    of, stores = schedule.units.of_stores, schedule.units.stores
    memory, local = ((stores[each] != NOWHERE).astype(np.int64) for each in (f.MEMORY_FROM, f.BANKS_FROM))
    keys, times = (memory, local, stores[f.STORE_WIDTH], stores[f.STORE_PITCH]), schedule.ordered.times[of]
    return _grouped((schedule.units.columns[at.NODE][of],), keys, times, stores[f.ADDRESS], stores[f.STORED])


def _grouped(
    heads: Sequence[Int64Array], keys: Sequence[Int64Array], times: Int64Array, begin: Int64Array, vectors: Int64Array
) -> Groups:
    """Things with equal heads and keys; of equal heads the commonest keys come first, and of these what came first."""
    found = defaultdict[tuple[int, ...], list[_Alike]](list)
    if not begin.size:
        return found
    both = np.stack([*heads, *keys])
    order = np.lexsort(both)
    starts = np.flatnonzero(np.append(True, (np.diff(both[:, order]) != 0).any(axis=0)))
    count, all_vectors = (np.add.reduceat(each[order], starts) for each in (times, vectors * times))
    least, most = np.minimum.reduceat(begin[order], starts), np.maximum.reduceat(begin[order], starts)
    rows = zip(
        *(each.tolist() for each in (both[:, order[starts]].T, count, least, most, all_vectors)),
        np.maximum.reduceat(vectors[order], starts).tolist(),
        strict=True,
    )
    every = [(key, _Alike(tuple(key[len(heads) :]), *each)) for key, *each in rows]
    for each in np.lexsort((order[starts], -count)).tolist():
        key, alike = every[each]
        found[tuple(key[: len(heads)])].append(alike)
    return found


def _shown(what: str, every: Sequence[_Alike], line: Callable[[_Alike], str]) -> Iterator[str]:
    """The lines of the commonest walks, and how many instructions have others."""
    for each in every[:SHOWN]:
        yield f"{each.instructions:,} {what}{line(each)}"
    if rest := every[SHOWN:]:
        yield f"{sum(each.instructions for each in rest):,} {what} in {len(rest)} other ways"


def _lines(width: int, pitch: int) -> str:
    return f" in lines of {width:,}, {pitch:,} apart" if width else ""


def _load(each: _Alike) -> str:
    return f"{_lines(*each.key)}: {each.vectors:,} vectors, to entries from {_span(each.first, each.last)}"


def _pass(walk: Walk, each: _Alike) -> str:
    """Outermost loop first; those of one turn are left out."""
    loops = [(n, step) for n, step in zip(walk.counts, walk.steps, strict=True) if n > 1][::-1]
    counts, steps = (" x ".join(f"{each[i]:,}" for each in loops) for i in (0, 1))
    over = f" over {counts} entries {steps} apart" if loops else " over one entry"
    return f"{over}, from entries {_span(each.first, each.last)}"


def _store(each: _Alike) -> str:
    memory, local, *lines = each.key
    target = [" to memory"] * memory + [f" into the banks{_lines(*lines)}"] * local
    return f"{' and'.join(target)}: {each.vectors:,} vectors, at most {each.most:,} each"


def _span(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"
