"""The load engine: LOADs wait for the reader and for a route, ZEROs for the LOADs before them."""

from __future__ import annotations

from skipbeat_arch.instruction import Engine, Opcode

from .bus import Bus, Request
from .channels import Process
from .program import Program
from .spans import Spans
from .wires import Wires

ROUTES = 8


class LoadEngine:
    """Both of its processes: instructions begin, and LOADs end."""

    def __init__(self, program: Program, wires: Wires, bus: Bus, spans: Spans) -> None:
        self._wires, self._bus, self._spans = wires, bus, spans
        self._vector = program.machine.vector
        self._queue = program.queues[Engine.LOAD]
        self._loads = [(n, i) for n, i in self._queue if i.opcode == Opcode.LOAD]

    def begin(self) -> Process:
        """Instructions begin in order, at most one per clock."""
        wires, clock, loads = self._wires, 0, 0
        for index, (number, instruction) in enumerate(self._queue):
            ready = yield from wires.ready(Engine.LOAD, index, instruction)
            clock = max(clock + 1, ready)
            fields = instruction.fields
            if instruction.opcode == Opcode.LOAD:
                if loads >= ROUTES:
                    clock = max(clock, (yield from wires.load_ended.at(loads - ROUTES)) + 2)
                self._bus.ask_load(Request(clock, fields["source"] // self._vector, fields["count"]))
                clock = yield from wires.load_accepted.at(loads)
                wires.take(Engine.LOAD, instruction, clock)
                self._spans.begin[number] = clock
                loads += 1
            else:
                if loads:
                    clock = max(clock, (yield from wires.load_ended.at(loads - 1)) + 2)
                wires.take(Engine.LOAD, instruction, clock)
                self._spans.begin[number] = clock
                clock += fields["count"]
                self._spans.finish[number] = clock
                wires.give(Engine.LOAD, instruction.signal, clock + 1)
            wires.put(wires.out_of_queue[Engine.LOAD], clock)

    def end(self) -> Process:
        """A LOAD has finished when its last vector is written, one clock after it came; it signals one later."""
        for index, (number, instruction) in enumerate(self._loads):
            final = yield from self._wires.load_final.at(index)
            self._spans.finish[number] = final + 1
            self._wires.give(Engine.LOAD, instruction.signal, final + 2)
            self._wires.put(self._wires.load_ended, final)
