"""Fetch: requests of 16 instructions, and their dispatch to the queues."""

from __future__ import annotations

from skipbeat_arch.depths import ENGINE_QUEUE, FETCH_CHUNK, FETCH_QUEUE
from skipbeat_arch.instruction import INSTRUCTION_BYTES

from .bus import Bus
from .channels import Process
from .timed_program import Program
from .wires import Wires

#: The first clock in which fetch can ask, the start pulse being in clock 0.
FIRST_REQUEST = 2


def request_instructions(program: Program, wires: Wires, bus: Bus) -> Process:
    """A chunk is asked for when the one before is on its way and there is room for a whole one."""
    count, clock = len(program.instructions), FIRST_REQUEST
    dispatched, asked = wires.dispatched, wires.asked
    for number, first in enumerate(range(0, count, FETCH_CHUNK)):
        if first >= FETCH_QUEUE:
            last = first + FETCH_CHUNK - FETCH_QUEUE - 1
            while len(dispatched.clocks) <= last:
                yield dispatched
            clock = max(clock, dispatched.clocks[last] + 1)
        chunk = min(FETCH_CHUNK, count - first)
        # the last vector may have room for more instructions
        vectors = -(-chunk * INSTRUCTION_BYTES // program.machine.vector)
        bus.ask_fetch(clock, program.address + first * INSTRUCTION_BYTES, vectors, chunk)
        while len(asked.clocks) <= number:
            yield asked
        clock = asked.clocks[number] + 1


def dispatch(program: Program, wires: Wires) -> Process:
    """One instruction per clock, in order, each when its queue has a place."""
    clock, fetched, dispatched = 0, wires.fetched, wires.dispatched
    for number, instruction in enumerate(program.instructions):
        while len(fetched.clocks) <= number:
            yield fetched
        # a register after the memory, then the FIFO
        clock = max(clock + 1, fetched.clocks[number] + 2)
        engine = instruction.engine
        if engine is not None:
            queue, left = wires.into_queue[engine], wires.out_of_queue[engine]
            place = len(queue.clocks) - ENGINE_QUEUE
            if place >= 0:
                while len(left.clocks) <= place:
                    yield left
                clock = max(clock, left.clocks[place] + 1)
            queue.put(clock)
        dispatched.put(clock)
