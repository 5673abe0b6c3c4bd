"""What a run of the machine is made of: clocks by cause, bytes by kind, and when each instruction was at work."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields

from skipbeat_arch.engines import Engine, Kind, Opcode
from skipbeat_arch.instruction import OPCODE_BITS
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause

from ..core.sequencer import Sequencer

_CAUSES = {cause: cause.name.lower() for cause in Cause}
_KINDS = {int(kind): kind.name.lower() for kind in Kind}


@dataclass(kw_only=True)
class MachineClocks:
    """Where each clock of a run went, as the sequencer sees it (`Cause`); the sum is the run's cycles.

    Attributes:
        compute: clocks with a step of the array.
        tile_wait: no step, because the next pass waits for its tile, or has just got it.
        hazard: no step, because the next pass, without a tile, waits for sums to be written, or has just begun.
        activation_wait: no step, because the bundles of the next pixel were not there.
        output_wait: no step, because the result queue has no room for another item of a last pass.
        idle: no pass was queued.
    """

    compute: int = 0
    tile_wait: int = 0
    hazard: int = 0
    activation_wait: int = 0
    output_wait: int = 0
    idle: int = 0

    @property
    def cycles(self) -> int:
        """All clocks."""
        return sum(getattr(self, field.name) for field in fields(self))


@dataclass(kw_only=True)
class TransferBytes:
    """Bytes that crossed the memory bus, by what they were; `unknown`: of a LOAD of a kind that there is not."""

    instructions: int = 0
    weights: int = 0
    activations: int = 0
    parameters: int = 0
    residual: int = 0
    table: int = 0
    outputs: int = 0
    unknown: int = 0


@dataclass(slots=True)
class Span:
    """When an instruction was at work.

    Attributes:
        began: clock in which it left its queue (ZERO: in which it began).
        finished: LOAD: clock of its last vector; ZERO: of its last entry; SETUP: `began`; PASS: of its last step in
            the array; STORE: of the memory's last response, or, without `memory`, the one after its last vector and
            after the end of the STORE before it; TURN: likewise; PLACE, END: `began`. None: the run ended before.
    """

    opcode: Opcode
    word: int
    began: int
    finished: int | None = None


class MachineCounter:
    """Counts clock by clock. A start of the machine does not clear it.

    Attributes:
        clocks, transfers: so far.
        stored: clocks of `stored_o`.
        spans: for each engine its instructions in the order in which they began.
    """

    def __init__(self, machine: Machine) -> None:
        self._vector, self._beat = machine.vector, machine.beat_bytes
        self.clocks = MachineClocks()
        self.transfers = TransferBytes()
        self.stored: list[int] = []
        self.spans: dict[Engine, list[Span]] = {engine: [] for engine in Engine}
        self._open: dict[Opcode, deque[Span]] = {opcode: deque() for opcode in Opcode}
        self.clock = 0

    def read(self, kind: int | None) -> None:
        """A vector came from memory: of a LOAD of this kind, or of instructions (None)."""
        name = "instructions" if kind is None else _KINDS.get(kind, "unknown")
        setattr(self.transfers, name, getattr(self.transfers, name) + self._vector)

    def written(self) -> None:
        """A beat went to memory."""
        self.transfers.outputs += self._beat

    def begin(self, engine: Engine, word: int) -> None:
        """An instruction begins in this clock."""
        opcode = Opcode(word & (1 << OPCODE_BITS) - 1)
        span = Span(opcode, word, self.clock)
        self.spans[engine].append(span)
        if opcode in (Opcode.SETUP, Opcode.PLACE, Opcode.END):
            span.finished = self.clock
        else:
            # TURNs end as STOREs do, in the order of both
            self._open[Opcode.STORE if opcode == Opcode.TURN else opcode].append(span)

    def finish(self, opcode: Opcode) -> None:
        """The oldest instruction of this kind that is under way ends in this clock."""
        if self._open[opcode]:
            self._open[opcode].popleft().finished = self.clock

    def end_clock(self, sequencer: Sequencer) -> None:
        """End of a clock, with the sequencer's wires."""
        cause = _CAUSES[sequencer.cause_o]
        setattr(self.clocks, cause, getattr(self.clocks, cause) + 1)
        if sequencer.finishes:
            self.finish(Opcode.PASS)
        self.clock += 1
