"""The core: when passes are taken, and when each of their pixels ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine

from .cause_clocks import PassClocks
from .channels import Process
from .core_timing import SETTLING, TileLoader, settled
from .load_timing import NEVER
from .result_clocks import FEW, ResultClocks
from .spans import Spans
from .tile_paths import TilePath, tile_paths
from .timed_program import Program
from .wires import Wires

#: From a job's start to the first of its bundles at the core.
FEED_LATENCY = 4


@dataclass(frozen=True)
class _Fed:
    """A pass with bundles: `first` of its pixels among all, the close of its pixel 0 if none waits, its item or -1."""

    first: int
    pixels: int
    close: int
    beat: int
    item: int


@dataclass
class _State:
    """The pass before: `closes` of its first pixels, `free` of its last one."""

    closes: Sequence[int] = ()
    free: int = -1
    command: Command | None = None
    bank_free: int = NEVER
    loads: int = 0
    weights: int = 0


class CoreClocks:
    """One process over the passes.

    Attributes:
        results: items that it has closed.
        ran: when each pass ran.
    """

    def __init__(self, program: Program, wires: Wires, spans: Spans) -> None:
        hw = program.machine.hw
        self._wires, self._spans, self._commands = wires, spans, program.commands
        self._numbers = [n for n, i in program.queues[Engine.EXECUTE] if isinstance(i, isa.Pass)]
        self._jobs = _job_numbers(program)
        self._paths: list[TilePath] = tile_paths(program.tiles, hw)
        self._words = [tile.word_count for tile in program.tiles]
        self._loader = TileLoader(hw)
        self._credits = hw.result_depth
        items = sum(c.pixels for c in program.commands if c.last)
        self.results = ResultClocks(items)
        self._fed: deque[_Fed] = deque()
        self._state = _State()
        self.ran: list[PassClocks] = []

    def closed(self, pixel: int) -> int | None:
        """The last step of a pixel with bundles, counted over the whole program; None as long as it is not known.

        Pixels are asked for in ascending order: passes before them are dropped.
        """
        passes = self._fed
        while passes and passes[0].first + passes[0].pixels <= pixel:
            passes.popleft()
        if not passes or pixel < passes[0].first:
            return None
        fed = passes[0]
        within = pixel - fed.first
        if fed.item < 0:
            return fed.close + within * fed.beat
        known = fed.item + within < self.results.known_closed
        return int(self.results.closed[fed.item + within]) if known else None

    def passes(self) -> Process:
        """Each pass waits for its tile, the pass before, its first bundle and credits."""
        wires, state, pixels, item = self._wires, self._state, 0, 0
        for index, command in enumerate(self._commands):
            while len(wires.queued.clocks) <= index:
                yield wires.queued
            queued = wires.queued.clocks[index]
            take = self._take(command, queued)
            wires.pass_taken.put(take)
            if command.load and state.loads > 1:
                state.bank_free = take + 1
            waiting = max(state.free, min(queued, take))
            beat, first = max(command.beat, 1), take + 1
            if command.beat:
                job = self._jobs[index]
                while len(wires.job_started.clocks) <= job:
                    yield wires.job_started
                first = max(first, wires.job_started.clocks[job] + FEED_LATENCY)
            if command.beat:
                self._fed.append(_Fed(pixels, command.pixels, first + beat - 1, beat, item if command.last else -1))
                pixels += command.pixels
            state.command = command
            opened = item if command.last else -1
            if command.last:
                yield from self._close_items(item, command.pixels, beat, first)
                item += command.pixels
            else:
                state.free = first + beat * command.pixels - 1
                state.closes = range(first + beat - 1, state.free + 1, beat)[:SETTLING]
                wires.closed.put(state.free)
            self._spans.finish[self._numbers[index]] = state.free
            ran = PassClocks(waiting, take, command.load, first, state.free, beat, command.pixels, opened)
            self.ran.append(ran)

    def _take(self, command: Command, queued: int) -> int:
        state = self._state
        take = max(queued + 1, state.free)
        if command.load:
            weights = max(queued + 1, state.weights)
            state.weights = weights + self._words[state.loads]
            take = max(take, self._loader.load(self._paths[state.loads], weights, state.bank_free))
            state.loads += 1
        if state.command is not None and not command.first:
            take = max(take, settled(state.closes, command))
        return take

    def _close_items(self, item: int, count: int, beat: int, first: int) -> Process:
        """The pixels of a last pass, each with a credit: as many at once as credits are known."""
        results, state, done = self.results, self._state, 0
        while done < count:
            while results.known_taken + self._credits <= item + done:
                yield self._wires.stored
            size = min(count - done, results.known_taken + self._credits - item - done)
            follow = results.close_few if size <= FEW else results.close_many
            last = follow(item + done, size, beat, first, self._credits)
            first = last + beat
            done += size
            self._wires.closed.put(first - 1)
        state.closes = results.closed[item : item + min(count, SETTLING)].tolist()
        state.free = first - 1


def _job_numbers(program: Program) -> list[int]:
    """The job of each PASS: SETUPs that signal have jobs too."""
    numbers, job = [], 0
    for _, instruction in program.queues[Engine.EXECUTE]:
        if isinstance(instruction, isa.Pass):
            numbers.append(job)
        job += isinstance(instruction, isa.Pass) or bool(instruction.signal)
    return numbers
