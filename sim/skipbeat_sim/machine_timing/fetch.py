"""Fetch: requests of 16 instructions, and their dispatch to the queues."""

from __future__ import annotations

from skipbeat_arch.instruction import ENGINE_OF, INSTRUCTION_BYTES, Opcode

from .bus import Bus, Request
from .channels import Process
from .program import Program
from .wires import Wires

ROOM, CHUNK = 64, 16
QUEUE = 8
#: The first clock in which fetch can ask, the start pulse being in clock 0.
FIRST_REQUEST = 2


def request_instructions(program: Program, wires: Wires, bus: Bus) -> Process:
    """A chunk is asked for when the one before is on its way and there is room for a whole one."""
    vector = program.machine.vector
    count, clock = len(program.instructions), FIRST_REQUEST
    for number, first in enumerate(range(0, count, CHUNK)):
        if first >= ROOM:
            left = yield from wires.dispatched.at(first + CHUNK - ROOM - 1)
            clock = max(clock, left + 1)
        chunk = min(CHUNK, count - first)
        vectors = max(chunk * INSTRUCTION_BYTES // vector, 1)
        address = (program.address + first * INSTRUCTION_BYTES) // vector
        bus.ask_fetch(Request(clock, address, vectors, chunk=chunk))
        clock = (yield from wires.asked.at(number)) + 1


def dispatch(program: Program, wires: Wires) -> Process:
    """One instruction per clock, in order, each when its queue has a place."""
    clock = 0
    for number, instruction in enumerate(program.instructions):
        # a register after the memory, then the FIFO
        clock = max(clock + 1, (yield from wires.fetched.at(number)) + 2)
        if instruction.opcode != Opcode.HEADER:
            engine = ENGINE_OF[instruction.opcode]
            queue = wires.into_queue[engine]
            if len(queue) >= QUEUE:
                left = yield from wires.out_of_queue[engine].at(len(queue) - QUEUE)
                clock = max(clock, left + 1)
            wires.put(queue, clock)
        wires.put(wires.dispatched, clock)
