"""The core: when passes are taken, and when each of their pixels ends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine

from .core_timing import SETTLING, TileLoader, settled
from .load_timing import NEVER
from .result_clocks import FEW, ResultClocks
from .state import Part
from .tile_paths import TilePath, tile_paths
from .timed_program import Program
from .wires import UNKNOWN, Wires

#: From a job's start to the first of its bundles at the core.
FEED_LATENCY = 4


class CoreClocks(Part):
    """One process over the passes.

    Attributes:
        results: items that it has closed. loader: the way of tiles into their banks.
        waiting, first, free: of each pass the last clock in which no pass is queued, its first and its last step.
        number: of the pass that waits or runs; loads: of those that load a tile.
        bank_free, weights: when the next tile's bank, and the reader of weights, are free.
        step: the next first step of a pixel; done: pixels of the pass that are closed.
        fed: the pass whose pixel was asked for last.
    """

    LISTS = ("waiting", "first", "free")
    CLOCKS = ("bank_free", "weights", "step")
    COUNTS = ("number", "loads", "fed")
    VALUES = ("done",)

    def __init__(self, program: Program, wires: Wires) -> None:
        hw = program.machine.hw
        self._wires, self._commands = wires, program.commands
        self._jobs = _job_numbers(program)
        self.paths: list[TilePath] = tile_paths(program.tiles, hw)
        self._words = [tile.word_count for tile in program.tiles]
        self._credits = hw.result_depth
        #: Pixels with bundles, and items, before each pass.
        self._pixels = list(accumulate((c.pixels if c.beat else 0 for c in self._commands), initial=0))
        self.items = list(accumulate((c.pixels if c.last else 0 for c in self._commands), initial=0))
        self.loader, self.results = TileLoader(hw), ResultClocks(self.items[-1])
        self.waiting, self.first, self.free = list[int](), list[int](), list[int]()
        self.number = self.loads = self.weights = self.step = self.done = self.fed = 0
        self.bank_free = NEVER

    def closed(self, pixel: int) -> int:
        """The last step of a pixel with bundles, counted over the whole program, or `UNKNOWN`.

        Pixels are asked for in ascending order.
        """
        before, fed = self._pixels, self.fed
        while fed < len(self._commands) and before[fed + 1] <= pixel:
            fed += 1
        self.fed = fed
        if fed >= len(self.first):
            return UNKNOWN
        command, within = self._commands[fed], pixel - before[fed]
        if not command.last:
            return self.first[fed] + (within + 1) * command.beat - 1
        item = self.items[fed] + within
        return self.results.closed.item(item) if item < self.results.known_closed else UNKNOWN

    def run(self) -> bool:
        """Go on with the next pass: it waits for its tile, the pass before, its first bundle and credits."""
        wires, number, moved = self._wires, self.number, False
        if number >= len(wires.queued):
            return False
        command = self._commands[number]
        if len(wires.pass_taken) == number:
            self._take(command, wires.queued[number])
            moved = True
        if len(self.first) == number:
            first = wires.pass_taken[number] + 1
            if command.beat:
                job = self._jobs[number]
                if len(wires.job_started) <= job:
                    return moved
                first = max(first, wires.job_started[job] + FEED_LATENCY)
            self.first.append(first)
            self.step, self.done = first, 0
            moved = True
        if command.last:
            moved |= self._close_items(command, self.items[number])
            if self.done < command.pixels:
                return moved
        else:
            self.free.append(self.first[-1] + (command.beat or 1) * command.pixels - 1)
        self.number += 1
        return True

    def _take(self, command: Command, queued: int) -> None:
        """The pass is taken when the one before has ended, its tile is in its bank and what it reads is settled."""
        free = self.free[-1] if self.free else -1
        take = max(queued + 1, free)
        if command.load:
            weights = max(queued + 1, self.weights)
            self.weights = weights + self._words[self.loads]
            take = max(take, self.loader.load(self.paths[self.loads], weights, self.bank_free))
            self.loads += 1
        if self.free and not command.first:
            take = max(take, settled(self._closes(), command))
        if command.load and self.loads > 1:
            self.bank_free = take + 1
        self._wires.pass_taken.append(take)
        self.waiting.append(max(free, min(queued, take)))

    def _closes(self) -> Sequence[int]:
        """The last steps of the first pixels of the pass before."""
        before = self._commands[self.number - 1]
        count, beat = min(before.pixels, SETTLING), max(before.beat, 1)
        if before.last:
            item = self.items[self.number - 1]
            return [self.results.closed.item(each) for each in range(item, item + count)]
        first = self.first[-1] + beat - 1
        return range(first, first + count * beat, beat)

    def _close_items(self, command: Command, item: int) -> bool:
        """The pixels of a last pass, each with a credit: as many at once as credits are known."""
        results, count, beat, moved = self.results, command.pixels, max(command.beat, 1), False
        while self.done < count:
            size = min(count - self.done, results.known_taken + self._credits - item - self.done)
            if size <= 0:
                return moved
            follow = results.close_few if size <= FEW else results.close_many
            self.step = follow(item + self.done, size, beat, self.step, self._credits) + beat
            self.done += size
            moved = True
        self.free.append(self.step - 1)
        return moved

    def ahead(self) -> list[list[int]]:
        """Lists of clocks that later decisions can read."""
        wires, results = self._wires, self.results
        job = self._jobs[self.number] if self.number < len(self._jobs) else 0
        oldest = max(min(self.fed, self.number - 1), 0)
        item = self.items[oldest]
        return [
            wires.queued[self.number :],
            wires.pass_taken[self.number :],
            wires.job_started[job:],
            self.first[oldest:],
            self.free[-1:],
            results.closed[min(item, results.known_taken) : results.known_closed].tolist(),
            results.taken[max(results.known_closed - self._credits, 0) : results.known_taken].tolist(),
        ]


def _job_numbers(program: Program) -> list[int]:
    """The job of each PASS: SETUPs that signal have jobs too."""
    numbers, job = [], 0
    for _, instruction in program.queues[Engine.EXECUTE]:
        if isinstance(instruction, isa.Pass):
            numbers.append(job)
        job += isinstance(instruction, isa.Pass) or bool(instruction.signal)
    return numbers
