"""The store engine with the output stage, and its requests to the writer."""

from __future__ import annotations

from itertools import accumulate

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import ENGINE_QUEUE, OUTPUT_HALVES, STORE_QUEUE, core_latency, output_clocks
from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import Hardware

from .bus import Bus
from .result_clocks import FEW, Pace, ResultClocks
from .state import Part
from .timed_program import Program
from .wires import UNKNOWN, Wires

#: From a STORE's begin to its first item: its 13 vectors of parameters are read.
PARAMETER_CLOCKS = 14
#: From the clock in which the last columns of a vector are sent to the vector.
PIPELINE, RAW_PIPELINE = 9, 2


def vector_clocks(store: isa.Store, hw: Hardware) -> int:
    """Clocks from the one in which the last item of a vector is taken to the vector (raw: to its last one)."""
    sent = output_clocks(hw, raw=bool(store.raw))
    return sent + (RAW_PIPELINE if store.raw else PIPELINE)


class StoreClocks(Part):
    """Its processes.

    Attributes:
        begun: clocks in which the engine's instructions began, in order; clock: of the last one.
        end: the clock of END, -1 before it is known.
        stores, halves: STOREs that have begun, and those of them that go to memory.
        item: the next one that is taken; step: the first clock in which it can be; taking: a STORE's items are.
        answered: STOREs that the memory has answered; popped: when the one that finishes can, or has asked to write.
        asked: the memory was asked for it.
    """

    LISTS = ("begun",)
    CLOCKS = ("clock", "step", "popped")
    COUNTS = ("stores", "halves", "item", "answered")
    VALUES = ("taking", "asked")

    def __init__(self, program: Program, wires: Wires, bus: Bus, results: ResultClocks) -> None:
        hw = program.machine.hw
        self._wires, self._bus, self._results, self._hw = wires, bus, results, hw
        self.queue = program.queues[Engine.STORE]
        self._stores = [i for _, i in self.queue if isinstance(i, isa.Store)]
        #: Items before each STORE.
        self.items = list(accumulate((s.count * s.pool for s in self._stores), initial=0))
        self._paces = {(s.pool, bool(s.raw)): _pace(hw, s.pool, bool(s.raw)) for s in self._stores}
        self.begun: list[int] = []
        self.clock = self.step = self.popped = self.stores = self.halves = self.item = self.answered = 0
        self.taking = self.asked = False
        self.end = -1

    def begin(self) -> bool:
        """A STORE begins when the output stage is free, and a half of the output memory if it needs one.

        A PLACE leaves its queue at once; END waits for all STOREs.
        """
        wires, begun = self._wires, self.begun
        first = len(begun)
        for index in range(first, len(self.queue)):
            number, instruction = self.queue[index]
            clock = wires.ready(Engine.STORE, number, instruction)
            if clock == UNKNOWN:
                break
            clock = max(self.clock + 1, clock)
            if isinstance(instruction, isa.Store):
                clock = self._free(instruction, clock)
                if clock == UNKNOWN:
                    break
                self.stores += 1
                self.halves += instruction.memory
                wires.store_begun.append(clock)
            elif isinstance(instruction, isa.End):
                if len(wires.store_popped) < self.stores:
                    break
                if self.stores:
                    clock = max(clock, wires.store_popped[self.stores - 1] + 1)
                self.end = clock
            wires.take(Engine.STORE, instruction, clock)
            self.clock = clock
            begun.append(clock)
            wires.left[Engine.STORE].append(clock)
        return len(begun) > first

    def _free(self, store: isa.Store, clock: int) -> int:
        """The first clock from `clock` on in which there is room for a STORE, or `UNKNOWN`."""
        wires = self._wires
        waits = [(wires.store_popped, self.stores - STORE_QUEUE), (wires.store_filled, self.stores - 1)]
        if store.memory:
            waits.append((wires.store_done, self.halves - OUTPUT_HALVES))
        for clocks, index in waits:
            if index >= 0:
                if len(clocks) <= index:
                    return UNKNOWN
                clock = max(clock, clocks[index] + 1)
        return clock

    def take_items(self) -> bool:
        """The output stage takes items at its pace, and waits for nothing but their sums.

        When its last vector leaves, the STORE tells the execute engine.
        """
        wires, results, moved = self._wires, self._results, False
        while len(wires.store_filled) < len(wires.store_begun):
            index = len(wires.store_filled)
            instruction, begin, end = self._stores[index], self.items[index], self.items[index + 1]
            if not self.taking:
                self.step, self.taking = wires.store_begun[index] + PARAMETER_CLOCKS, True
            pace = self._paces[instruction.pool, bool(instruction.raw)]
            if results.known_closed > self.item:
                size = min(end, results.known_closed) - self.item
                follow = results.take_few if size <= FEW else results.take_many
                self.step = follow(self.item, size, pace, begin, self.step)
                self.item += size
                moved = True
            if self.item < end:
                break
            filled = results.taken.item(end - 1) + vector_clocks(instruction, self._hw)
            if Engine.EXECUTE in instruction.signal:
                wires.give(Engine.STORE, (Engine.EXECUTE,), filled + 1)
            wires.store_filled.append(filled)
            self.taking = False
        return moved

    def finish(self) -> bool:
        """STOREs finish in order: with the memory's last response, or a clock after the last vector, and tell load.

        The writer has one request at a time, made a clock after the STORE's last vector at the earliest.
        """
        wires, moved = self._wires, False
        while len(wires.store_popped) < len(wires.store_filled):
            index = len(wires.store_popped)
            instruction = self._stores[index]
            if not self.asked:
                self.popped = max(wires.store_filled[index], self.popped) + 1
                moved = True
            if instruction.memory:
                if not self.asked:
                    self._bus.write(self.popped, instruction.address, instruction.count * (4 if instruction.raw else 1))
                    self.asked = True
                if len(wires.store_done) <= self.answered:
                    break
                self.popped = wires.store_done[self.answered]
                self.answered += 1
                self.asked = False
                moved = True
            if Engine.LOAD in instruction.signal:
                wires.give(Engine.STORE, (Engine.LOAD,), self.popped + 1)
            wires.store_popped.append(self.popped)
        return moved

    def ahead(self) -> list[list[int]]:
        """Lists of clocks that later decisions can read."""
        wires = self._wires
        return [
            wires.left[Engine.STORE][-ENGINE_QUEUE:],
            wires.store_begun[len(wires.store_filled) :],
            wires.store_filled[min(len(wires.store_popped), max(self.stores - 1, 0)) :],
            wires.store_popped[max(self.stores - STORE_QUEUE, 0) :],
            wires.store_done[max(min(self.halves - OUTPUT_HALVES, self.answered), 0) :],
        ]


def _pace(hw: Hardware, pool: int, raw: bool) -> Pace:
    """Items of a window take a clock each, and the first one of the next window may have to wait."""
    clocks = output_clocks(hw, pool, raw=raw)
    steps, pause = (clocks, 0) if pool == 1 else (1, clocks - pool)
    return Pace(steps=steps, latency=core_latency(hw), window=pool, pause=pause)
