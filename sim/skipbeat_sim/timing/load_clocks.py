"""The load engine: LOADs wait for the reader and for a route, ZEROs for the LOADs before them."""

from __future__ import annotations

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import LOAD_QUEUE
from skipbeat_arch.engines import Engine, Kind

from .bus import Bus
from .channels import Process
from .spans import Spans
from .timed_program import Program
from .wires import Wires


class LoadClocks:
    """Both of its processes: instructions begin, and LOADs end."""

    def __init__(self, program: Program, wires: Wires, bus: Bus, spans: Spans) -> None:
        self._wires, self._bus, self._spans = wires, bus, spans
        self._queue = program.queues[Engine.LOAD]
        self._loads = [(n, i) for n, i in self._queue if isinstance(i, isa.Load)]

    def begin(self) -> Process:
        """Instructions begin in order, at most one per clock."""
        wires, spans, clock, loads = self._wires, self._spans, 0, 0
        ended, accepted, left = wires.load_ended, wires.load_accepted, wires.out_of_queue[Engine.LOAD]
        for index, (number, instruction) in enumerate(self._queue):
            ready = yield from wires.ready(Engine.LOAD, index, instruction)
            is_load = isinstance(instruction, isa.Load)
            clock = max(clock + 1, ready)
            before = loads - (LOAD_QUEUE if is_load else 1)
            if before >= 0:
                while len(ended.clocks) <= before:
                    yield ended
                clock = max(clock, ended.clocks[before] + 2)
            if isinstance(instruction, isa.Load):
                banks = instruction.kind == Kind.ACTIVATIONS
                self._bus.ask_load(clock, instruction.source, instruction.count, number if banks else -1)
                while len(accepted.clocks) <= loads:
                    yield accepted
                clock = accepted.clocks[loads]
                loads += 1
            spans.begin[number] = clock
            wires.take(Engine.LOAD, instruction, clock)
            if isinstance(instruction, isa.Zero):
                clock += instruction.count
                spans.finish[number] = clock
                wires.give(Engine.LOAD, instruction.signal, clock + 1)
            left.put(clock)

    def end(self) -> Process:
        """A LOAD has finished when its last vector is written, one clock after it came; it signals one later."""
        wires, finals = self._wires, self._wires.load_final
        for index, (number, instruction) in enumerate(self._loads):
            while len(finals.clocks) <= index:
                yield finals
            final = finals.clocks[index]
            self._spans.finish[number] = final + 1
            wires.give(Engine.LOAD, instruction.signal, final + 2)
            wires.load_ended.put(final)
