"""Whether the order goes on from one unit as it did from another one: docs/machine_timing.md.

What an order remembers are instructions by their numbers, and places by who used them last. What nobody has to wait for
any more, because it was waited for already, does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int64Array

from . import places as at
from .hazards import MANY_OPEN, REMEMBERED, STORES_BEHIND
from .places import ENGINES, EXECUTE, LOAD, NEVER, STORE, column
from .prefetch import FAR

#: Who waits for the loads that wrote a space, and for whom the loads that write it wait.
_READS = {at.WEIGHTS: EXECUTE, at.ACTIVATIONS: EXECUTE, at.TABLE: EXECUTE, at.PARAMETERS: STORE, at.RESIDUAL: STORE}
#: Columns that hold drafts, of which some may be older than anything that still counts.
_DRAFTS = at.LAST, at.MARK, at.HORIZON
_KEPT = (*_DRAFTS, at.MET, at.TOKENS, at.GIVER, at.TAKER, at.LAST_STORES, at.NEWEST, at.STORED, at.CLEAN)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """An order before a unit.

    Attributes:
        unit: its number.
        s: all single values.
        kept: columns that change.
        done: which loads of the next units have their places.
    """

    unit: int
    s: Int64Array
    kept: dict[int, Int64Array]
    done: Int64Array

    @classmethod
    def of(cls, s: Int64Array, m: Int64Array, unit: int) -> Snapshot:
        """A copy of what will not be there any more."""
        spaces = [start + space for start in (at.WRITER, at.READER) for space in _READS]
        kept = {each: column(s, m, each).copy() for each in (*_KEPT, *spaces)}
        loads = column(s, m, at.FIRST_LOAD)
        first, stop = loads[unit], loads[min(unit + FAR + 1, loads.size - 1)]
        return cls(unit, s.copy(), kept, column(s, m, at.DONE)[first:stop].copy())

    @property
    def draft(self) -> int:
        """The number of the next instruction."""
        return int(self.s[at.DRAFTS])


def goes_on_alike(s: Int64Array, m: Int64Array, first: Snapshot, second: Snapshot, ring: int) -> bool:
    """Whether everything that is decided from the second unit on is what was decided from the first one on.

    Args:
        s, m: the order, at least as far as the second unit.
        first, second: the order before units after which the same units come.
        ring: entries by which the parameters of the second one lie behind those of the first, round and round.
    """
    more = second.draft - first.draft
    return (
        _values_alike(first, second, more)
        and np.array_equal(first.done, second.done)
        and np.array_equal(first.kept[at.CLEAN], second.kept[at.CLEAN])
        and all(_later(first.kept[each], second.kept[each], more) for each in _DRAFTS)
        and _met_alike(first, second, more)
        and _stores_alike(first, second, more)
        and _tokens_alike(first, second, more)
        and all(_space_alike(first, second, space, more, ring) for space in _READS)
        and _later(_unmet(first, at.STORED, STORE, EXECUTE), _unmet(second, at.STORED, STORE, EXECUTE), more)
        and _passes_alike(s, m, first, second, more)
    )


def _later(first: Int64Array, second: Int64Array, more: int) -> bool:
    """Whether all are so many later, or are none in both."""
    return bool(((second - first == more) | ((first == NEVER) & (second == NEVER))).all())


def _values_alike(first: Snapshot, second: Snapshot, more: int) -> bool:
    """Single values: drafts, and those that are the same; how much came before does not count."""
    a, b = first.s, second.s
    drafts = [at.LAST_CLOSED, at.NEWEST_LOAD, at.OPEN_STORE]
    same = [at.SET_UP, at.IS_LOCAL, at.CREDIT, at.STUCK, at.LAST_LOCAL, at.DUE]
    return bool((a[same] == b[same]).all()) and _later(a[drafts], b[drafts], more)


def _met(each: Snapshot, giver: int, taker: int) -> int:
    return int(each.kept[at.MET][ENGINES * giver + taker])


def _unmet(each: Snapshot, number: int, giver: int, taker: int) -> Int64Array:
    """A column of drafts without those that the taker has waited for."""
    drafts = each.kept[number]
    return np.where(drafts > _met(each, giver, taker), drafts, NEVER)


def _met_alike(first: Snapshot, second: Snapshot, more: int) -> bool:
    """For whom everybody has waited; a load that no store has to wait for any more may be as old as it likes."""
    pair = ENGINES * LOAD + STORE
    a, b = first.kept[at.MET], second.kept[at.MET]
    if not _later(np.delete(a, pair), np.delete(b, pair), more):
        return False
    none_left = all(
        (_unmet(first, at.WRITER + space, LOAD, STORE) == NEVER).all() for space in (at.PARAMETERS, at.RESIDUAL)
    )
    return b[pair] - a[pair] == more or bool(a[pair] == b[pair] and none_left)


def _stores_alike(first: Snapshot, second: Snapshot, more: int) -> bool:
    """The last stores."""
    counts = [int(each.s[at.STORES]) for each in (first, second)]
    a, b = (np.roll(each.kept[at.LAST_STORES], -count) for each, count in zip((first, second), counts, strict=True))
    return min(counts) >= STORES_BEHIND and _later(a, b, more)


def few_open(s: Int64Array, m: Int64Array) -> bool:
    """Whether nobody ever waited for a later instruction than he needed because many tokens were open.

    A token that is taken after the giver of the one `MANY_OPEN` - 2 later is open with all between them.
    """
    drafts = int(s[at.DRAFTS])
    engine, wait, signal = (column(s, m, each)[:drafts] for each in (at.ENGINE, at.WAIT, at.SIGNAL))
    for giver in range(ENGINES):
        for taker in range(ENGINES):
            given = (signal >> taker & 1) * (engine == giver)
            taken = (wait >> giver & 1) * (engine == taker)
            if np.cumsum(given - taken).max(initial=0) > MANY_OPEN - 2:
                return False
    return True


def _tokens_alike(first: Snapshot, second: Snapshot, more: int) -> bool:
    """The last tokens of all pairs of engines; how many there were does not count, see `few_open`."""
    counts = [each.kept[at.TOKENS] for each in (first, second)]
    new = np.flatnonzero(counts[0] != counts[1])  # who took an older one takes no other
    if (counts[0][new] == 0).any():
        return False
    a, b = (REMEMBERED * new + (count[new] - 1) % REMEMBERED for count in counts)
    return all(_later(first.kept[each][a], second.kept[each][b], more) for each in (at.GIVER, at.TAKER))


def _space_alike(first: Snapshot, second: Snapshot, space: int, more: int, ring: int) -> bool:
    """Who wrote and who read each entry of a space, as far as anybody may still have to wait for it.

    Passes that read words are numbers of passes, see `_passes_alike`; nobody waits for those who read parameters.
    """
    reader, moved = _READS[space], ring if space == at.PARAMETERS else 0
    a, b = (_unmet(each, at.WRITER + space, LOAD, reader) for each in (first, second))
    last, later = (_unmet(each, at.NEWEST, LOAD, reader)[[space]] for each in (first, second))
    if not _later(a, np.roll(b, -moved), more) or not _later(last, later, more):
        return False
    if space in (at.WEIGHTS, at.PARAMETERS):
        return True
    a, b = (_unmet(each, at.READER + space, reader, LOAD) for each in (first, second))
    return _later(a, b, more)


def _passes_alike(s: Int64Array, m: Int64Array, first: Snapshot, second: Snapshot, more: int) -> bool:
    """Which passes read which words, and what is remembered of the passes from the oldest of these on."""
    passes, later = int(first.s[at.PASSES]), int(second.s[at.PASSES] - first.s[at.PASSES])
    a, b = (each.kept[at.READER + at.WEIGHTS] for each in (first, second))
    if not _later(a, b, later):
        return False
    oldest = int(a[a != NEVER].min(initial=passes))
    fed = int(second.s[at.FED_ITEMS] - first.s[at.FED_ITEMS])
    for number, by in ((at.PASS_DRAFT, more), (at.FEEDS, more), (at.BEGINS, fed), (at.ENDS, fed)):
        every = column(s, m, number)
        if not _later(every[oldest:passes], every[oldest + later : passes + later], by):
            return False
    return True
