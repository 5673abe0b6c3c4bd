"""The execute engine and the fetcher: passes go to the core, and walks over the activation banks beside them."""

from __future__ import annotations

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import CORE_QUEUE, FETCHER_ROOM, PART_QUEUE
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import Instruction

from .channels import Process
from .core_clocks import CoreClocks
from .spans import Spans
from .timed_program import Program
from .wires import Wires


class ExecuteClocks:
    """Its processes: instructions begin, jobs are read ahead, and jobs walk."""

    def __init__(self, program: Program, wires: Wires, core: CoreClocks, spans: Spans) -> None:
        self._wires, self._core, self._spans = wires, core, spans
        self._queue = program.queues[Engine.EXECUTE]
        self._jobs = [i for _, i in self._queue if isinstance(i, isa.Pass) or i.signal]

    def begin(self) -> Process:
        """Instructions begin in order, at most one per clock; a PASS when the core has a place for it."""
        wires, spans, clock, jobs, passes = self._wires, self._spans, 0, 0, 0
        popped, taken, left = wires.job_popped, wires.pass_taken, wires.out_of_queue[Engine.EXECUTE]
        for index, (number, instruction) in enumerate(self._queue):
            ready = yield from wires.ready(Engine.EXECUTE, index, instruction)
            clock = max(clock + 1, ready)
            if jobs >= PART_QUEUE:
                while len(popped.clocks) <= jobs - PART_QUEUE:
                    yield popped
                clock = max(clock, popped.clocks[jobs - PART_QUEUE] + 1)
            is_pass = isinstance(instruction, isa.Pass)
            if is_pass and passes >= CORE_QUEUE:
                while len(taken.clocks) <= passes - CORE_QUEUE:
                    yield taken
                clock = max(clock, taken.clocks[passes - CORE_QUEUE] + 1)
            spans.begin[number] = clock
            wires.take(Engine.EXECUTE, instruction, clock)
            left.put(clock)
            if is_pass:
                passes += 1
                wires.queued.put(clock)
            else:
                spans.finish[number] = clock
            if is_pass or instruction.signal:
                jobs += 1
                wires.job_pushed.put(clock)

    def read_ahead(self) -> Process:
        """A job leaves its FIFO, to have its offsets read, when the one before it starts."""
        wires, started = self._wires, 0
        pushes, starts = wires.job_pushed, wires.job_started
        for index in range(len(self._jobs)):
            while len(pushes.clocks) <= index:
                yield pushes
            wires.job_popped.put(max(pushes.clocks[index] + 1, started))
            while len(starts.clocks) <= index:
                yield starts
            started = starts.clocks[index]

    def walk(self) -> Process:
        """A job starts with its offsets, when the one before has ended, and reads a pixel per clock.

        That the FIFO of bundles has room decides only when a job ends: `FETCHER_ROOM` pixels before its last one.
        """
        wires, core, last, pixels = self._wires, self._core, 0, 0
        popped = wires.job_popped
        for index, instruction in enumerate(self._jobs):
            while len(popped.clocks) <= index:
                yield popped
            started = max(popped.clocks[index] + 2, last)
            wires.job_started.put(started)
            count = _pixels(instruction)
            last = started + max(count, 1)
            pixels += count
            if count and pixels > FETCHER_ROOM:
                closed = core.closed(pixels - 1 - FETCHER_ROOM)
                while closed is None:
                    yield wires.closed
                    closed = core.closed(pixels - 1 - FETCHER_ROOM)
                last = max(last, closed + 1)
            if instruction.signal:
                wires.give(Engine.EXECUTE, instruction.signal, last + 2)


def _pixels(instruction: Instruction) -> int:
    """Pixels of a job; a null job has none."""
    if not isinstance(instruction, isa.Pass):
        return 0
    command = instruction.command
    return command.pixels if command.beat else 0
