"""The store engine with the output stage, and its requests to the writer."""

from __future__ import annotations

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import OUTPUT_HALVES, STORE_QUEUE, core_latency, output_clocks
from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import Hardware

from .bus import Bus
from .channels import Process
from .result_clocks import FEW, Pace, ResultClocks
from .spans import Spans
from .timed_program import Program
from .wires import Wires

#: From a STORE's begin to its first item: its 13 vectors of parameters are read.
PARAMETER_CLOCKS = 14
#: From the clock in which the last columns of a vector are sent to the vector.
PIPELINE, RAW_PIPELINE = 9, 2


def vector_clocks(store: isa.Store, hw: Hardware) -> int:
    """Clocks from the one in which the last item of a vector is taken to the vector (raw: to its last one)."""
    sent = output_clocks(hw, raw=bool(store.raw))
    return sent + (RAW_PIPELINE if store.raw else PIPELINE)


class StoreClocks:
    """Its processes; `end` is the clock of END, -1 before it is known."""

    def __init__(self, program: Program, wires: Wires, bus: Bus, results: ResultClocks, spans: Spans) -> None:
        hw = program.machine.hw
        self._wires, self._bus, self._results, self._spans = wires, bus, results, spans
        self._queue = program.queues[Engine.STORE]
        self._stores = [(n, i) for n, i in self._queue if isinstance(i, isa.Store)]
        self._hw = hw
        self.end = -1

    def begin(self) -> Process:
        """A STORE begins when the output stage is free, and a half of the output memory if it needs one.

        A PLACE leaves its queue at once; END waits for all STOREs.
        """
        wires, spans, clock, stores, halves = self._wires, self._spans, 0, 0, 0
        filled, done, popped = wires.store_filled, wires.store_done, wires.store_popped
        for index, (number, instruction) in enumerate(self._queue):
            ready = yield from wires.ready(Engine.STORE, index, instruction)
            clock = max(clock + 1, ready)
            if not isinstance(instruction, isa.Place):
                is_store = isinstance(instruction, isa.Store)
                before = stores - (STORE_QUEUE if is_store else 1)
                if before >= 0:
                    while len(popped.clocks) <= before:
                        yield popped
                    clock = max(clock, popped.clocks[before] + 1)
                if is_store and stores:
                    while len(filled.clocks) < stores:
                        yield filled
                    clock = max(clock, filled.clocks[stores - 1] + 1)
                if isinstance(instruction, isa.Store) and instruction.memory:
                    if halves >= OUTPUT_HALVES:
                        while len(done.clocks) <= halves - OUTPUT_HALVES:
                            yield done
                        clock = max(clock, done.clocks[halves - OUTPUT_HALVES] + 1)
                    halves += 1
                if is_store:
                    stores += 1
                    wires.store_begun.put(clock)
                else:
                    self.end = clock
            spans.begin[number] = clock
            if not isinstance(instruction, isa.Store):
                spans.finish[number] = clock
            wires.take(Engine.STORE, instruction, clock)
            wires.out_of_queue[Engine.STORE].put(clock)

    def take_items(self) -> Process:
        """The output stage takes items at its pace, and waits for nothing but their sums.

        When its last vector leaves, the STORE tells the execute engine.
        """
        wires, results, item = self._wires, self._results, 0
        begun = wires.store_begun
        for index, (_, instruction) in enumerate(self._stores):
            while len(begun.clocks) <= index:
                yield begun
            step = begun.clocks[index] + PARAMETER_CLOCKS
            pace = self._pace(instruction, item)
            end = item + instruction.count * instruction.pool
            while item < end:
                while results.known_closed <= item:
                    yield wires.closed
                size = min(end, results.known_closed) - item
                follow = results.take_few if size <= FEW else results.take_many
                step = follow(item, size, pace, step)
                item += size
                wires.stored.put(results.taken.item(item - 1))
            filled = results.taken.item(end - 1) + vector_clocks(instruction, self._hw)
            if Engine.EXECUTE in instruction.signal:
                wires.give(Engine.STORE, (Engine.EXECUTE,), filled + 1)
            wires.store_filled.put(filled)

    def _pace(self, store: isa.Store, item: int) -> Pace:
        """Items of a window take a clock each, and the first one of the next window may have to wait."""
        hw, pool = self._hw, store.pool
        clocks = output_clocks(hw, pool, raw=bool(store.raw))
        steps, pause = (clocks, 0) if pool == 1 else (1, clocks - pool)
        return Pace(begin=item, steps=steps, latency=core_latency(hw), window=pool, pause=pause)

    def finish(self) -> Process:
        """STOREs finish in order: with the memory's last response, or a clock after the last vector, and tell load.

        The writer has one request at a time, made a clock after the STORE's last vector at the earliest.
        """
        wires, popped, halves = self._wires, 0, 0
        filled, done = wires.store_filled, wires.store_done
        for index, (number, instruction) in enumerate(self._stores):
            while len(filled.clocks) <= index:
                yield filled
            popped = max(filled.clocks[index], popped) + 1
            if instruction.memory:
                self._bus.write(popped, instruction.address, instruction.count * (4 if instruction.raw else 1))
                while len(done.clocks) <= halves:
                    yield done
                popped = done.clocks[halves]
                halves += 1
            self._spans.finish[number] = popped
            if Engine.LOAD in instruction.signal:
                wires.give(Engine.STORE, (Engine.LOAD,), popped + 1)
            wires.store_popped.put(popped)
