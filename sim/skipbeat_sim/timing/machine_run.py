"""A program on its way through the parts of the timing model, from the first decision to the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Engine

from .bus import Bus
from .core_clocks import CoreClocks
from .execute_clocks import ExecuteClocks
from .fetch_clocks import FetchClocks
from .load_clocks import LoadClocks
from .state import Part
from .store_clocks import StoreClocks
from .timed_program import Numbered, Program
from .wires import UNKNOWN, Wires


class MachineRun:
    """The parts with their clocks.

    Attributes:
        wires: what they tell each other.
        parts: all of them by their names, which are attributes as well.
    """

    def __init__(self, program: Program) -> None:
        self.program, self.wires = program, Wires()
        self.bus = Bus(program.machine, self.wires)
        self.fetch = FetchClocks(program, self.wires, self.bus)
        self.load = LoadClocks(program, self.wires, self.bus)
        self.core = CoreClocks(program, self.wires)
        self.execute = ExecuteClocks(program, self.wires, self.core)
        self.store = StoreClocks(program, self.wires, self.bus, self.core.results)
        self.loader, self.results = self.core.loader, self.core.results
        names = ("bus", "fetch", "load", "execute", "core", "loader", "results", "store")
        self.parts: dict[str, Part] = {name: getattr(self, name) for name in names}
        self._others: tuple[Callable[[], bool], ...] = (
            *(self.store.take_items, self.store.finish, self.store.begin),
            *(self.fetch.request, self.fetch.dispatch, self.load.end, self.load.begin),
        )

    def settle(self) -> None:
        """Let every part go on until all of them wait; those around the core, which wait for each other most, first."""
        moved = True
        while moved:
            moved = self._run_passes()
            for process in self._others:
                if process():
                    moved = True

    def _run_passes(self) -> bool:
        """Whether the execute engine, the fetcher or the core have gone on, as far as they can by themselves."""
        begin, walk, core, queued = self.execute.begin, self.execute.walk, self.core, self.wires.queued
        moved = False
        while True:
            going = begin()
            if walk():
                going = True
            while core.run():
                going = True
                walk()
                if core.number == len(queued):
                    begin()
                    walk()
            if not going:
                return moved
            moved = True

    def begin(self) -> list[int]:
        """When each instruction began, as `MachineTiming` says; -1 if it never did."""
        clocks = [UNKNOWN] * len(self.program.instructions)
        for engine, begun in (
            (Engine.LOAD, self.load.begun),
            (Engine.EXECUTE, self.execute.begun),
            (Engine.STORE, self.store.begun),
        ):
            _put(clocks, self.program.queues[engine], begun)
        clocks[0] = self.wires.dispatched[0]
        return clocks

    def finish(self, begin: Sequence[int]) -> list[int]:
        """When each instruction finished, of those that `begin` says; -1 if it never did."""
        clocks, queues = list(begin), self.program.queues
        _put(clocks, _of(queues[Engine.LOAD], isa.Load), [final + 1 for final in self.wires.load_ended])
        for number, zero in queues[Engine.LOAD]:
            if isinstance(zero, isa.Zero) and clocks[number] != UNKNOWN:
                clocks[number] += zero.count
        _put(clocks, _of(queues[Engine.EXECUTE], isa.Pass), self.core.free)
        _put(clocks, _of(queues[Engine.STORE], isa.Store), self.wires.store_popped)
        return clocks


def _of(queue: Sequence[Numbered], kind: type[isa.Instruction]) -> list[Numbered]:
    return [each for each in queue if isinstance(each[1], kind)]


def _put(clocks: list[int], queue: Sequence[Numbered], known: Sequence[int]) -> None:
    """The clocks of the first instructions of a queue, and `UNKNOWN` for the rest."""
    for place, (number, _) in enumerate(queue):
        clocks[number] = known[place] if place < len(known) else UNKNOWN
