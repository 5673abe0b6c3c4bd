"""Instructions from memory, each to the queue of its engine."""

from __future__ import annotations

from collections import deque

from skipbeat_arch import instruction as isa
from skipbeat_arch.decoding import decode, instructions_of
from skipbeat_arch.depths import FETCH_CHUNK, FETCH_QUEUE
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import INSTRUCTION_BITS, INSTRUCTION_BYTES, VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.turn_instruction import Turn

from .axi import ADDRESS_MASK, Beat, Request

WORD = (1 << INSTRUCTION_BITS) - 1


class Fetch:
    """Twin of the instruction fetch. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._known = instructions_of(machine.hw)
        # vectors of an instruction, and instructions of a vector
        self._vectors = max(1, INSTRUCTION_BYTES // machine.vector)
        self._parts = max(1, machine.vector // INSTRUCTION_BYTES)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._left = self._address = self._due = self._filled = self._assembly = self._part = 0
        self._first = self._may_ask = False
        self._room = FETCH_QUEUE
        # of each vector the instructions, the first one first: in the queue's memory, read from it, at its head
        self._queue: deque[tuple[int, ...]] = deque()
        self._ahead: tuple[int, ...] | None = None
        self._head: tuple[int, ...] | None = None

    @property
    def busy_o(self) -> bool:
        """Instructions are to come."""
        return self._due != 0

    @property
    def load_o(self) -> int | None:
        """Instructions for the load engine."""
        return self.offers[Engine.LOAD]

    @property
    def execute_o(self) -> int | None:
        """Instructions for the execute engine."""
        return self.offers[Engine.EXECUTE]

    @property
    def store_o(self) -> int | None:
        """Instructions for the store engine."""
        return self.offers[Engine.STORE]

    def evaluate(
        self,
        start_i: bool,
        address_i: int,
        halt_i: bool,
        load_o_ready: bool,
        execute_o_ready: bool,
        store_o_ready: bool,
    ) -> None:
        """Wires: `requests`, `error_o`, and the streams of instructions, one of which is not None at most."""
        queues_ready, halt = (load_o_ready, execute_o_ready, store_o_ready), halt_i
        self.requests: Request | None = None
        if self._may_ask:
            count = -(-min(self._left, FETCH_CHUNK) * self._vectors // self._parts)
            self.requests = Request(self._address, count)
        self.offers: list[int | None] = [None, None, None]
        self.error_o = MachineError.NONE
        self._takes = False
        if start_i and address_i % self._machine.vector:
            self.error_o = MachineError.UNALIGNED_PROGRAM
        elif self._first and not self._due:
            self.error_o = MachineError.BAD_PROGRAM
        # behind the last instruction a vector may have parts that belong to nothing
        if self._head is None or halt or not self._due:
            return
        word = self._head[self._part]
        head = decode(word)
        self.error_o = self._check(head)
        self._takes = True
        if self.error_o == MachineError.NONE and head is not None and head.engine is not None:
            self.offers[head.engine] = word
            self._takes = queues_ready[head.engine]
            if isinstance(head, isa.Load | isa.Zero | isa.Store | Turn) and head.count == 0:
                # it is handed out as any other: the machine halts before its engine sees it
                self.error_o = MachineError.EMPTY_INSTRUCTION

    def _check(self, head: Instruction | None) -> MachineError:
        last = self._due == 1
        if self._first:
            if not isinstance(head, isa.Header) or head.version != VERSION or last:
                return MachineError.BAD_PROGRAM
            wrong = head.fingerprint != self._machine.fingerprint
            return MachineError.WRONG_HARDWARE if wrong else MachineError.NONE
        if head is None or head.engine is None or head.opcode not in self._known:
            return MachineError.BAD_OPCODE
        return MachineError.NONE if isinstance(head, isa.End) == last else MachineError.BAD_PROGRAM

    def update(self, start_i: bool, address_i: int, count_i: int, beat_i: Beat | None, requests_ready: bool) -> None:
        """End of the clock."""
        asked = self.requests is not None and requests_ready
        self._may_ask = self._left != 0 and self._room >= FETCH_CHUNK and not asked
        if self._takes:
            self._part += 1
            if self._part == self._parts:
                self._head = None
                self._part = 0
            self._due = (self._due - 1) & 0xFFFFFF
            self._room += 1
            self._first = False
        if self._head is None:
            self._head, self._ahead = self._ahead, None
        if self._ahead is None and self._queue:
            self._ahead = self._queue.popleft()
        if beat_i is not None:
            self._fill(beat_i.data)
        if asked:
            chunk = min(self._left, FETCH_CHUNK)
            self._left -= chunk
            self._address = (self._address + chunk * INSTRUCTION_BYTES) & ADDRESS_MASK
            self._room -= chunk
        if start_i:
            self._address, self._left = address_i, count_i
            self._due, self._first, self._may_ask = self._left, True, self._left != 0

    def _fill(self, data: int) -> None:
        self._assembly |= data << (8 * self._machine.vector * self._filled)
        self._filled += 1
        if self._filled == self._vectors:
            words = (self._assembly >> (INSTRUCTION_BITS * part) & WORD for part in range(self._parts))
            self._queue.append(tuple(words))
            self._assembly = self._filled = 0
