"""A program on its way through the parts of the timing model, from the first decision to the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

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

#: Each process, and those that may go on once it has: they read what it puts on the wires.
WAKES = {
    "execute.begin": ("execute.walk", "core.run", "fetch.dispatch"),
    "execute.walk": ("execute.begin", "core.run", "load.begin", "store.begin"),
    "core.run": ("core.run", "execute.begin", "execute.walk", "store.take_items"),
    "store.take_items": ("core.run", "store.finish", "store.begin", "execute.begin"),
    "store.finish": ("store.begin", "load.begin"),
    "store.begin": ("store.take_items", "fetch.dispatch"),
    "fetch.dispatch": ("fetch.request", "execute.begin", "load.begin", "store.begin"),
    "fetch.request": (),
    "load.end": ("load.begin", "execute.begin", "store.begin"),
    "load.begin": ("fetch.dispatch", "execute.begin", "store.begin"),
}
#: Those that read what the bus puts there.
BUS_TELLS = ("fetch.request", "fetch.dispatch", "load.begin", "load.end", "store.finish", "store.begin")


class _Process(NamedTuple):
    """A process of a part: its bit, what lets it go on and says whether it has, and the bits of those that it wakes."""

    bit: int
    go_on: Callable[[], bool]
    wakes: int


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
        self._processes = self._woken_by_each_other()
        self._from_bus = sum(self._processes[name].bit for name in BUS_TELLS)

    def settle(self) -> None:
        """Let every part go on until all of them wait."""
        self._go_on(sum(process.bit for process in self._processes.values()))

    def step(self) -> bool:
        """Let the bus decide what comes next, and every part go on until all of them wait; False at the end."""
        if not self.bus.step():
            return False
        self._go_on(self._from_bus)
        return True

    def _go_on(self, woken: int) -> None:
        """Those processes that may go on, given as bits, and whoever is woken by them, one after the other."""
        processes = tuple(self._processes.values())
        while woken:
            for bit, go_on, wakes in processes:
                if woken & bit:
                    woken ^= bit
                    if go_on():
                        woken |= wakes

    def _woken_by_each_other(self) -> dict[str, _Process]:
        """All processes, those around the core, which wait for each other most, first."""
        bits = {name: 1 << place for place, name in enumerate(WAKES)}
        return {
            name: _Process(bit, attrgetter(name)(self), sum(bits[each] for each in WAKES[name]))
            for name, bit in bits.items()
        }

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
