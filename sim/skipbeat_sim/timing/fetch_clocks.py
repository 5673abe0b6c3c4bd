"""Fetch: requests of 16 instructions, and their dispatch to the queues."""

from __future__ import annotations

from skipbeat_arch.depths import ENGINE_QUEUE, FETCH_CHUNK, FETCH_QUEUE
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import INSTRUCTION_BYTES

from .bus import Bus
from .state import Part
from .timed_program import Program
from .wires import Wires

#: The first clock in which fetch can ask, the start pulse being in clock 0.
FIRST_REQUEST = 2


class FetchClocks(Part):
    """Both of its processes.

    Attributes:
        asked: requests that were made.
        dispatch_clock: in which the last instruction left.
    """

    CLOCKS = ("dispatch_clock",)
    COUNTS = ("asked",)

    def __init__(self, program: Program, wires: Wires, bus: Bus) -> None:
        self._program, self._wires, self._bus = program, wires, bus
        self._count = len(program.instructions)
        self.asked = self.dispatch_clock = 0

    def request(self) -> bool:
        """A chunk is asked for when the one before is on its way and there is room for a whole one."""
        wires, number = self._wires, self.asked
        first = number * FETCH_CHUNK
        if first >= self._count or len(wires.asked) < number:
            return False
        clock = wires.asked[number - 1] + 2 if number else FIRST_REQUEST
        if first >= FETCH_QUEUE:
            last = first + FETCH_CHUNK - FETCH_QUEUE - 1
            if len(wires.dispatched) <= last:
                return False
            clock = max(clock, wires.dispatched[last] + 2)
        chunk = min(FETCH_CHUNK, self._count - first)
        # the last vector may have room for more instructions
        vectors = -(-chunk * INSTRUCTION_BYTES // self._program.machine.vector)
        self._bus.ask_fetch(clock, self._program.address + first * INSTRUCTION_BYTES, vectors, chunk)
        self.asked += 1
        return True

    def dispatch(self) -> bool:
        """One instruction per clock, in order, each when its queue has a place."""
        wires, places, engines = self._wires, self._program.places, self._program.engines
        dispatched, fetched, clock = wires.dispatched, wires.fetched, self.dispatch_clock
        begin = len(dispatched)
        for number in range(begin, len(fetched)):
            # a register after the memory, then the FIFO
            following = max(clock + 1, fetched[number] + 2)
            engine = engines[number]
            if engine >= 0:
                left, place = wires.left[engine], places[number] - ENGINE_QUEUE
                if place >= 0:
                    if len(left) <= place:
                        break
                    following = max(following, left[place] + 1)
            clock = following
            dispatched.append(clock)
        self.dispatch_clock = clock
        return len(dispatched) > begin

    def ahead(self) -> list[list[int]]:
        """Lists of clocks that later decisions can read."""
        wires = self._wires
        dispatched, first = len(wires.dispatched), self.asked * FETCH_CHUNK - FETCH_QUEUE
        waiting = [
            [wires.dispatched[n] for n, _ in queue[len(left) : len(left) + ENGINE_QUEUE] if n < dispatched]
            for queue, left in zip(map(self._program.queues.__getitem__, Engine), wires.left, strict=True)
        ]
        return [wires.asked[-1:], wires.fetched[dispatched:], wires.dispatched[max(first, 0) :], *waiting]
