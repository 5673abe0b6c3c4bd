"""The loops of each engine for a node, in words: how often, over how many entries, and how far apart these are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH

from ..program.schedule import NodeSchedule
from ..units.pass_runs import PassRun, walked_from
from ..units.unit import Load, PassOp, StoreOp, Walk

#: Most walks of a kind that are shown; those of fewer instructions are only counted.
SHOWN = 3

Key = TypeVar("Key", bound=Hashable)
Op = TypeVar("Op")


def engine_walks(node: NodeSchedule) -> tuple[str, ...]:
    """What each engine does for a node, a line for each walk, those with the most instructions first."""
    units = list(zip(node.units, node.times, strict=True))
    loads = [(load, times) for unit, times in units for load in unit.loads if isinstance(load, Load)]
    stores = [(unit.store, times) for unit, times in units if unit.store is not None]
    lines: list[str] = []
    for kind, each in sorted(_grouped((load[0].kind, load) for load in loads).items()):
        # those of so many column tiles go through all of their ring, if not in the units that stand for others
        turns = kind == Kind.PARAMETERS and len(node.placed.tiles.columns) > PARAMETER_BLOCKS
        last = (PARAMETER_BLOCKS - 1) * PARAMETER_PITCH if turns else 0
        lined = ((_lines(load[0].width, load[0].pitch), load) for load in each)
        lines += _shown(f"LOADs of {kind.name.lower()}", lined, partial(_load, last=last))
    passes = ((unit.walk, (unit.passes, times)) for unit, times in units)
    lines += _shown("PASSes", passes, _pass, lambda every: sum(len(run) * times for run, times in every))
    lines += _shown("STOREs", ((_target(store[0]), store) for store in stores), _store)
    return tuple(lines)


def _grouped(pairs: Iterable[tuple[Key, Op]]) -> dict[Key, list[Op]]:
    found: defaultdict[Key, list[Op]] = defaultdict(list)
    for key, op in pairs:
        found[key].append(op)
    return found


def _shown(
    what: str,
    pairs: Iterable[tuple[Key, tuple[Op, int]]],
    line: Callable[[Key, Sequence[tuple[Op, int]]], str],
    count: Callable[[Sequence[tuple[Op, int]]], int] | None = None,
) -> Iterator[str]:
    """The lines of the commonest walks, and how many instructions have others; `count` says how many some are."""
    count = count or (lambda every: sum([times for _, times in every]))
    found = sorted(_grouped(pairs).items(), key=lambda each: -count(each[1]))
    for key, ops in found[:SHOWN]:
        yield f"{count(ops):,} {what}{line(key, ops)}"
    if rest := found[SHOWN:]:
        yield f"{sum(count(ops) for _, ops in rest):,} {what} in {len(rest)} other ways"


def _lines(width: int, pitch: int) -> str:
    return f" in lines of {width:,}, {pitch:,} apart" if width else ""


def _load(lines: str, loads: Sequence[tuple[Load, int]], last: int) -> str:
    first, stop = min(load.to for load, _ in loads), max(last, *(load.to for load, _ in loads))
    return (
        f"{lines}: {sum(load.count * times for load, times in loads):,} vectors, to entries from {_span(first, stop)}"
    )


def _pass(walk: Walk, runs: Sequence[tuple[Sequence[PassOp], int]]) -> str:
    """Outermost loop first; those of one turn are left out."""
    loops = [(n, step) for n, step in zip(walk.counts, walk.steps, strict=True) if n > 1][::-1]
    counts, steps = (" x ".join(f"{each[i]:,}" for each in loops) for i in (0, 1))
    over = f" over {counts} entries {steps} apart" if loops else " over one entry"
    bases = [op.base for run, _ in runs if not isinstance(run, PassRun) for op in run]
    if together := [run for run, _ in runs if isinstance(run, PassRun)]:
        bases += walked_from(together)
    return f"{over}, from entries {_span(min(bases), max(bases))}"


def _target(store: StoreOp) -> str:
    local = "" if store.local is None else f" into the banks{_lines(store.local.width, store.local.pitch)}"
    memory = " to memory" if store.writes is not None else ""
    return memory + (" and" if memory and local else "") + local


def _store(target: str, stores: Sequence[tuple[StoreOp, int]]) -> str:
    vectors, most = sum(store.count * times for store, times in stores), max(store.count for store, _ in stores)
    return f"{target}: {vectors:,} vectors, at most {most:,} each"


def _span(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"
