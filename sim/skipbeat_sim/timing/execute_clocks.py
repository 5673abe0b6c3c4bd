"""The execute engine and the fetcher: passes go to the core, and walks over the activation banks beside them."""

from __future__ import annotations

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import CORE_QUEUE, ENGINE_QUEUE, FETCHER_ROOM, PART_QUEUE
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import Instruction

from .core_clocks import CoreClocks
from .state import Part
from .timed_program import Program
from .wires import UNKNOWN, Wires


class ExecuteClocks(Part):
    """Both of its processes: instructions begin, and jobs walk.

    Attributes:
        begun: clocks in which the engine's instructions began, in order; clock: of the last one.
        jobs, passes: those that were begun.
        job: the one that walks; pixels: of all jobs up to it; walked: when it ends, as far as it is known.
    """

    LISTS = ("begun",)
    CLOCKS = ("clock", "walked")
    COUNTS = ("jobs", "passes", "job", "pixels")

    def __init__(self, program: Program, wires: Wires, core: CoreClocks) -> None:
        self._wires, self._core = wires, core
        self.queue = program.queues[Engine.EXECUTE]
        jobs = [i for _, i in self.queue if isinstance(i, isa.Pass) or i.signal]
        self._signals, self._pixels = [i.signal for i in jobs], [_pixels(i) for i in jobs]
        self.begun: list[int] = []
        self.clock = self.walked = self.jobs = self.passes = self.job = self.pixels = 0

    def begin(self) -> bool:
        """Instructions begin in order, at most one per clock; a PASS when the core has a place for it."""
        wires, queue, begun = self._wires, self.queue, self.begun
        popped, taken, left = wires.job_popped, wires.pass_taken, wires.left[Engine.EXECUTE]
        first, clock = len(begun), self.clock
        for index in range(first, len(queue)):
            number, instruction = queue[index]
            ready, job = wires.ready(Engine.EXECUTE, number, instruction), self.jobs - PART_QUEUE
            if ready == UNKNOWN or len(popped) <= job:
                break
            following = max(clock + 1, ready, popped[job] + 1 if job >= 0 else 0)
            is_pass = isinstance(instruction, isa.Pass)
            if is_pass:
                place = self.passes - CORE_QUEUE
                if len(taken) <= place:
                    break
                if place >= 0 and taken[place] >= following:
                    following = taken[place] + 1
                self.passes += 1
                wires.queued.append(following)
            if instruction.wait:
                wires.take(Engine.EXECUTE, instruction, following)
            clock = following
            begun.append(clock)
            left.append(clock)
            if is_pass or instruction.signal:
                self.jobs += 1
                wires.job_pushed.append(clock)
        self.clock = clock
        return len(begun) > first

    def walk(self) -> bool:
        """A job starts with its offsets, when the one before has ended, and reads a pixel per clock.

        It leaves its FIFO, to have its offsets read, when the one before it starts. That the FIFO of bundles has room
        decides only when a job ends: `FETCHER_ROOM` pixels before its last one.
        """
        wires, moved = self._wires, False
        pushed, popped, started = wires.job_pushed, wires.job_popped, wires.job_started
        while self.job < len(pushed):
            job = self.job
            count = self._pixels[job]
            if len(popped) == job:
                popped.append(max(pushed[job] + 1, started[job - 1] if job else 0))
                moved = True
            if len(started) == job:
                start = max(popped[job] + 2, self.walked)
                started.append(start)
                self.walked = start + (count or 1)
                self.pixels += count
                moved = True
            if len(popped) == job + 1 < len(pushed):
                popped.append(max(pushed[job + 1] + 1, started[job]))
                moved = True
            if count and self.pixels > FETCHER_ROOM:
                closed = self._core.closed(self.pixels - 1 - FETCHER_ROOM)
                if closed == UNKNOWN:
                    break
                if closed >= self.walked:
                    self.walked = closed + 1
            if self._signals[job]:
                wires.give(Engine.EXECUTE, self._signals[job], self.walked + 2)
            self.job += 1
            moved = True
        return moved

    def ahead(self) -> list[list[int]]:
        """Lists of clocks that later decisions can read."""
        wires, first = self._wires, max(min(self.jobs - PART_QUEUE, self.job), 0)
        return [
            wires.left[Engine.EXECUTE][-ENGINE_QUEUE:],
            wires.job_popped[first:],
            wires.job_pushed[len(wires.job_popped) :],
            wires.pass_taken[max(self.passes - CORE_QUEUE, 0) :],
            wires.job_started[max(len(wires.job_popped) - 1, 0) :],
        ]


def _pixels(instruction: Instruction) -> int:
    """Pixels of a job; a null job has none."""
    if not isinstance(instruction, isa.Pass):
        return 0
    command = instruction.command
    return command.pixels if command.beat else 0
