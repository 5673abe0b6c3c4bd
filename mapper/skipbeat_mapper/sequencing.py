"""From units to a schedule: the order of operations, and the tokens between them.

Instructions are fetched in order and an engine's queue holds few, so whatever an instruction waits for must stand
before it: then the first one that is not done can always go on, and nothing blocks for ever. For the same reason a
STORE stands before the passes that feed it, whose results would have nowhere to go.

Loads of the next units are put between the passes of a unit, a few at a time, as far as they do not disturb anything
that is still to run.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np

from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.machine import Machine

from .hazards import Draft, Hazards
from .memory_map import MemoryMap
from .network_units import plan, plan_again
from .prefetch import FAR, ZERO_CLOCKS, Pending, Prefetch, in_order, prefetchable
from .schedule import ENGINES, Mark, Part, Schedule, What
from .units import Clear, Load, Local, PassOp, Range, Space, StoreOp, Unit, Walk, Zero

#: Clocks from the last step before a local STORE to its end, roughly.
DRAIN_CLOCKS = 64
#: Clocks of the bus that passes may have left for loads after them, or as many as the next one takes.
MAX_CREDIT = 512


def schedule_of(memory: MemoryMap, nodes: Sequence[int] | None = None) -> Schedule:
    """The schedule of a network.

    Args:
        memory: with all nodes in their places.
        nodes: only these of the first group of images, one of `turns`; what they read on the chip is there.
    """
    return _schedule(memory, tuple(plan(memory, nodes)))


def schedule_again(first: Schedule) -> Schedule | None:
    """The schedule of a run right after another one of the same network; None: that leaves not all of its weights."""
    units = tuple(plan_again(first.memory))
    if any(load.writes.space == Space.WEIGHTS for unit in units for load in unit.loads):
        return None
    return dataclasses.replace(_schedule(first.memory, units), follows=first)


def _schedule(memory: MemoryMap, units: tuple[Unit, ...]) -> Schedule:
    sequence = Sequencer(memory.machine, memory.vectors)
    sequence.run(units)
    return Schedule(
        memory=memory,
        units=units,
        operations=tuple(draft.operation() for draft in sequence.drafts),
        parts=tuple(sequence.parts),
        loads={node: tuple(drafts) for node, drafts in sequence.loads.items()},
        stuck=sequence.stuck,
    )


class Sequencer:
    """Puts the operations of units in order.

    Attributes:
        drafts: the operations so far.
        parts: of nodes in program order, by their drafts of execute and store.
        loads: of each node the drafts that load something for it.
        stuck: see `Schedule`.
    """

    def __init__(self, machine: Machine, vectors: int) -> None:
        self._machine = machine
        self.drafts: list[Draft] = []
        self.parts: list[Part] = []
        self.loads: defaultdict[int, list[int]] = defaultdict(list)
        self.stuck: tuple[Unit, Load | Clear] | None = None
        self._hazards = Hazards(machine, vectors, self.drafts)
        self._zero = np.zeros(machine.bank_depth, np.bool_)
        self._walk: Walk | None = None
        self._local, self._credit = False, 0
        #: The last draft of each engine.
        self._last: dict[Engine, int] = {}

    def run(self, units: Sequence[Unit]) -> None:
        """Does so for a whole program, or until it is stuck."""
        self._add(Mark.HEADER)
        marks: list[dict[Engine, int]] = []
        pending = [Pending(unit, list(unit.loads)) for unit in units]
        for number, present in enumerate(pending):
            for load in in_order(present.loads, first=not marks):
                if not self._load(load, present):
                    self.stuck = present.unit, load
                    return
            self._unit(present.unit, prefetchable(pending[number : number + FAR + 1]))
            marks.append(self._last.copy())
            if len(marks) > 1:
                self._hazards.close_unit(marks.pop(0))
        self._hazards.end(self._add(Mark.END))

    def _unit(self, unit: Unit, early: list[Prefetch]) -> None:
        begin = len(self.drafts)
        if unit.store is not None:
            self._local = unit.store.local is not None
        if self._local:
            self._window(unit, [each for each in early if each.banks])
            early = [each for each in early if not each.banks]
        if unit.walk != self._walk:
            self._walk = unit.walk
            self._add(unit.walk)
        if unit.store is not None:
            self._store(unit.store)
        self._passes(unit, early)
        if self.parts and self.parts[-1].node == unit.node:
            begin = self.parts.pop().start
        self.parts.append(Part(unit.node, begin, len(self.drafts)))

    def _window(self, unit: Unit, early: list[Prefetch]) -> None:
        """Loads into the banks before a local STORE, as many as are done when its first result comes."""
        if unit.store is None:
            return
        left = sum(p.steps for p in unit.passes[:-1]) - self._machine.hw.memory.latency_clocks - DRAIN_CLOCKS
        for each in early:
            left -= each.clocks(self._machine.vector_beats)
            if left < 0 or not self._load(each.load, each.owner):
                return
            each.owner.loads.remove(each.load)

    def _passes(self, unit: Unit, early: list[Prefetch]) -> None:
        """The passes, and between them near loads evenly, far ones as the bus has time for them."""
        near, far = [each for each in early if each.near], deque(each for each in early if not each.near)
        beats, done = self._machine.vector_beats, 0
        for number, p in enumerate(unit.passes, 1):
            self._pass(p)
            share = -(-len(near) * number // len(unit.passes))
            now, done = near[done:share], share
            most = max(MAX_CREDIT, far[0].clocks(beats)) if far else MAX_CREDIT
            credit = min(self._credit + p.steps, most) - sum(each.clocks(beats) for each in now)
            self._credit = max(credit, 0)  # passes wait for what is near, which gives the bus its time
            while far and far[0].clocks(beats) <= self._credit:
                self._credit -= far[0].clocks(beats)
                now.append(far.popleft())
            for each in now:
                if self._load(each.load, each.owner):
                    each.owner.loads.remove(each.load)

    def _load(self, op: Load | Clear, owner: Pending) -> bool:
        """Adds a load for a unit if it can be said what it waits for."""
        producers = self._hazards.producers(op.writes, op.reads if isinstance(op, Load) else None)
        if producers is None:
            return False
        first = len(self.drafts)
        if isinstance(op, Clear):
            self._clear(op)
        else:
            self._load_vectors(op, producers)
        self.loads[owner.unit.node] += range(first, len(self.drafts))
        return True

    def _load_vectors(self, op: Load, producers: dict[Engine, int]) -> None:
        self._hazards.write(op.writes, producers, self._add(op))
        if op.kind == Kind.ACTIVATIONS:
            for line in range(op.writes.start, op.writes.stop, op.pitch):
                self._zero[line : line + op.width] = False

    def _clear(self, op: Clear) -> None:
        """ZEROs for the entries that are not zero, or one for all of them if that is quicker."""
        runs: list[tuple[int, int]] = []
        for start, stop in op.spans:
            dirty = np.flatnonzero(~self._zero[start:stop])
            if dirty.size:
                runs.append((start + int(dirty[0]), start + int(dirty[-1]) + 1))
        if runs and runs[-1][1] - runs[0][0] < sum(stop - start + ZERO_CLOCKS for start, stop in runs):
            runs = [(runs[0][0], runs[-1][1])]
        for start, stop in runs:
            written = Range(Space.ACTIVATIONS, start, stop)
            producers = self._hazards.producers(written, None)
            self._hazards.write(written, producers or {}, self._add(Zero(written)))
            self._zero[start:stop] = True

    def _pass(self, p: PassOp) -> None:
        draft = self._add(p)
        self._hazards.read(p.reads, draft, Engine.EXECUTE)
        self._hazards.add_pass(draft, p.command)

    def _store(self, op: StoreOp) -> None:
        if op.local is not None:
            self._place(op.local)
        draft = self._add(op)
        self._hazards.read(op.reads, draft, Engine.STORE)
        self._hazards.store(op, draft)

    def _place(self, local: Local) -> None:
        self._add(local)
        for line in range(local.writes.start, local.writes.stop, local.pitch):
            self._zero[line : line + local.width] = False

    def _add(self, what: What) -> int:
        engine = ENGINES[type(what)]
        self._last[engine] = len(self.drafts)
        self.drafts.append(Draft(what, engine))
        return len(self.drafts) - 1
