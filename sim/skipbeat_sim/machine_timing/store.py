"""The store engine with the output stage, and its requests to the writer."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.instruction import Engine, Instruction, Opcode

from .bus import Bus, Request
from .channels import Process
from .core import Results
from .program import Program
from .spans import Spans
from .wires import Wires

#: Halves of the output memory.
HALVES = 2
#: From a STORE's begin to its first step: its 13 vectors of parameters are read.
PARAMETER_CLOCKS = 15
#: From the last step of an item to its vector.
PIPELINE, RAW_PIPELINE = 8, 1
RAW_STEPS = 4


class StoreEngine:
    """Its processes; `end` is the clock of END, -1 before it is known."""

    def __init__(self, program: Program, wires: Wires, bus: Bus, results: Results, spans: Spans) -> None:
        hw = program.machine.hw
        self._wires, self._bus, self._results, self._spans = wires, bus, results, spans
        self._queue = program.queues[Engine.STORE]
        self._stores = [(n, i) for n, i in self._queue if i.opcode == Opcode.STORE]
        self._vector = program.machine.vector
        self._steps = hw.array.cols // hw.outputs.lanes
        self._latency = hw.array.rows + hw.array.cols + 5
        self.end = -1

    def begin(self) -> Process:
        """A STORE begins when the output stage is free and one half of the output memory; END when all is written."""
        wires, clock, stores = self._wires, 0, 0
        for index, (number, instruction) in enumerate(self._queue):
            ready = yield from wires.ready(Engine.STORE, index, instruction)
            clock = max(clock + 1, ready)
            halves = 1 if instruction.opcode == Opcode.END else HALVES
            if stores >= halves:
                clock = max(clock, (yield from wires.store_done.at(stores - halves)) + 1)
            if instruction.opcode == Opcode.STORE:
                if stores:
                    clock = max(clock, (yield from wires.store_filled.at(stores - 1)) + 1)
                stores += 1
                wires.put(wires.store_begun, clock)
            else:
                self.end = self._spans.finish[number] = clock
            self._spans.begin[number] = clock
            wires.take(Engine.STORE, instruction, clock)
            wires.put(wires.out_of_queue[Engine.STORE], clock)

    def take_items(self) -> Process:
        """The output stage: an item takes some steps, and waits for nothing but its result."""
        results, item = self._results, 0
        for index, (_, instruction) in enumerate(self._stores):
            step = (yield from self._wires.store_begun.at(index)) + PARAMETER_CLOCKS
            fields = instruction.fields
            steps = RAW_STEPS if fields["raw"] else self._steps
            end = item + fields["count"] * fields["pool"]
            while item < end:
                while results.known_closed <= item:
                    yield self._wires.closed
                size = min(end, results.known_closed) - item
                even = step + steps * np.arange(size)
                late = results.closed[item : item + size] + self._latency - even
                even += np.maximum(np.maximum.accumulate(late), 0)
                results.taken[item : item + size] = even + (steps - 1)
                step = int(even[-1]) + steps
                item += size
                results.known_taken = item
                self._wires.put(self._wires.stored, step - 1)
            self._wires.put(self._wires.store_filled, step - 1 + (RAW_PIPELINE if fields["raw"] else PIPELINE))

    def write(self) -> Process:
        """One request at a time, after the last vector of its STORE; the STORE has finished with its last response."""
        wires, done = self._wires, 0
        for index, (number, instruction) in enumerate(self._stores):
            filled = yield from wires.store_filled.at(index)
            self._bus.write(self._request(instruction, max(filled, done) + 1))
            done = yield from wires.store_done.at(index)
            self._spans.finish[number] = done
            wires.give(Engine.STORE, instruction.signal, done + 1)

    def _request(self, instruction: Instruction, clock: int) -> Request:
        fields = instruction.fields
        return Request(clock, fields["address"] // self._vector, fields["count"] * (4 if fields["raw"] else 1))
