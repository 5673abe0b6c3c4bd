"""The execute engine and the fetcher: passes go to the core, and walks over the activation banks beside them."""

from __future__ import annotations

from skipbeat_arch.instruction import Engine, Instruction, Opcode

from .channels import Process
from .core import FEED_ROOM, Core
from .program import Program, command_of
from .spans import Spans
from .wires import Wires

#: Depth of the FIFO of jobs, and of the core's FIFO of passes.
QUEUE = 4


class ExecuteEngine:
    """Its processes: instructions begin, jobs are read ahead, and jobs walk."""

    def __init__(self, program: Program, wires: Wires, core: Core, spans: Spans) -> None:
        self._wires, self._core, self._spans = wires, core, spans
        self._queue = program.queues[Engine.EXECUTE]
        self._jobs = [(n, i) for n, i in self._queue if i.opcode == Opcode.PASS or i.signal]

    def begin(self) -> Process:
        """Instructions begin in order, at most one per clock; a PASS when the core has a place for it."""
        wires, clock = self._wires, 0
        for index, (number, instruction) in enumerate(self._queue):
            ready = yield from wires.ready(Engine.EXECUTE, index, instruction)
            clock = max(clock + 1, ready)
            if len(wires.job_pushed) >= QUEUE:
                popped = yield from wires.job_popped.at(len(wires.job_pushed) - QUEUE)
                clock = max(clock, popped + 1)
            is_pass = instruction.opcode == Opcode.PASS
            if is_pass and len(wires.queued) >= QUEUE:
                taken = yield from wires.pass_taken.at(len(wires.queued) - QUEUE)
                clock = max(clock, taken + 1)
            wires.take(Engine.EXECUTE, instruction, clock)
            self._spans.begin[number] = clock
            wires.put(wires.out_of_queue[Engine.EXECUTE], clock)
            if is_pass:
                wires.put(wires.queued, clock)
            else:
                self._spans.finish[number] = clock
            if is_pass or instruction.signal:
                wires.put(wires.job_pushed, clock)

    def read_ahead(self) -> Process:
        """A job leaves its FIFO, to have its offsets read, when the one before it starts."""
        wires, started = self._wires, 0
        for index in range(len(self._jobs)):
            pushed = yield from wires.job_pushed.at(index)
            wires.put(wires.job_popped, max(pushed + 1, started))
            started = yield from wires.job_started.at(index)

    def walk(self) -> Process:
        """A job starts with its offsets, when the one before has ended, and reads a pixel per clock.

        That the FIFO of bundles has room decides only when a job ends: `FEED_ROOM` pixels before its last one.
        """
        wires, last, pixels = self._wires, 0, 0
        for index, (_, instruction) in enumerate(self._jobs):
            started = max((yield from wires.job_popped.at(index)) + 2, last)
            wires.put(wires.job_started, started)
            count = _pixels(instruction)
            last = started + max(count, 1)
            pixels += count
            if count and pixels > FEED_ROOM:
                closed = yield from self._core.closed(pixels - 1 - FEED_ROOM)
                last = max(last, closed + 1)
            wires.give(Engine.EXECUTE, instruction.signal, last + 2)


def _pixels(instruction: Instruction) -> int:
    """Pixels of a job; a null job has none."""
    if instruction.opcode != Opcode.PASS:
        return 0
    command = command_of(instruction)
    return command.pixels if command.beat else 0
