"""The load engine: LOADs wait for the reader and for a route, ZEROs for the LOADs before them."""

from __future__ import annotations

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import ENGINE_QUEUE, LOAD_QUEUE
from skipbeat_arch.engines import Engine, Kind

from .bus import Bus
from .state import Part
from .timed_program import Program
from .wires import UNKNOWN, Wires


class LoadClocks(Part):
    """Both of its processes: instructions begin, and LOADs end.

    Attributes:
        begun: clocks in which the engine's instructions began, in order; loads: LOADs among them.
        clock: of the last instruction that began.
        asked: the reader was asked for the next instruction's vectors and has not taken the request.
    """

    LISTS = ("begun",)
    CLOCKS = ("clock",)
    COUNTS = ("loads",)
    VALUES = ("asked",)

    def __init__(self, program: Program, wires: Wires, bus: Bus) -> None:
        self._wires, self._bus = wires, bus
        self.queue = program.queues[Engine.LOAD]
        self._loads = [i for _, i in self.queue if isinstance(i, isa.Load)]
        self.begun: list[int] = []
        self.clock = self.loads = 0
        self.asked = False

    def begin(self) -> bool:
        """Instructions begin in order, at most one per clock."""
        wires, moved = self._wires, False
        while len(self.begun) < len(self.queue):
            number, instruction = self.queue[len(self.begun)]
            if isinstance(instruction, isa.Load):
                if not self.asked:
                    clock = self._free(number, instruction, self.loads - LOAD_QUEUE)
                    if clock == UNKNOWN:
                        return moved
                    banks = instruction.kind == Kind.ACTIVATIONS
                    self._bus.ask_load(clock, instruction.source, instruction.count, banks=banks)
                    self.asked = moved = True
                if len(wires.load_accepted) <= self.loads:
                    return moved
                begun = clock = wires.load_accepted[self.loads]
                self.asked = False
                self.loads += 1
            elif isinstance(instruction, isa.Zero):
                begun = self._free(number, instruction, self.loads - 1)
                if begun == UNKNOWN:
                    return moved
                clock = begun + instruction.count
                wires.give(Engine.LOAD, instruction.signal, clock + 1)
            wires.take(Engine.LOAD, instruction, begun)
            self.begun.append(begun)
            wires.left[Engine.LOAD].append(clock)
            self.clock = clock
            moved = True
        return moved

    def _free(self, number: int, instruction: isa.Instruction, before: int) -> int:
        """The first clock in which an instruction can begin once LOAD `before` has ended, or `UNKNOWN`."""
        ready, ended = self._wires.ready(Engine.LOAD, number, instruction), self._wires.load_ended
        if ready == UNKNOWN or len(ended) <= before:
            return UNKNOWN
        clock = max(self.clock + 1, ready)
        return max(clock, ended[before] + 2) if before >= 0 else clock

    def end(self) -> bool:
        """A LOAD has finished when its last vector is written, one clock after it came; it signals one later."""
        wires = self._wires
        finals, ended = wires.load_final, wires.load_ended
        begin = len(ended)
        for index in range(begin, len(finals)):
            wires.give(Engine.LOAD, self._loads[index].signal, finals[index] + 2)
            ended.append(finals[index])
        return len(ended) > begin

    def ahead(self) -> list[list[int]]:
        """Lists of clocks that later decisions can read."""
        wires, first = self._wires, max(self.loads - LOAD_QUEUE, 0)
        return [
            wires.left[Engine.LOAD][-ENGINE_QUEUE:],
            wires.load_accepted[self.loads :],
            wires.load_ended[first:],
            wires.load_final[len(wires.load_ended) :],
        ]
