"""What a run of the machine is made of: clocks by cause, bytes by kind, and when each instruction was at work."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields

from skipbeat_arch.instruction import Engine, Kind, Opcode

from ..core import Core
from .instructions import Decoded


@dataclass(kw_only=True)
class MachineClocks:
    """Where each clock of a run went, as the sequencer sees it; the sum is the run's cycles.

    Attributes:
        compute: clocks with a step of the array.
        tile_wait: no step, because the next pass's tile was not loaded yet.
        hazard: no step, because a very short pass has just written what the next one reads.
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
    """Bytes that crossed the memory bus, by what they were."""

    instructions: int = 0
    weights: int = 0
    activations: int = 0
    parameters: int = 0
    residual: int = 0
    table: int = 0
    outputs: int = 0


@dataclass(slots=True)
class Span:
    """When an instruction was at work.

    Attributes:
        began: clock in which it left its queue (ZERO: in which it began).
        finished: LOAD: clock of its last vector; ZERO: of its last entry; SETUP: `began`; PASS: of its last step in
            the array; STORE: of the memory's last response; END: `began`. None: the run ended before.
    """

    opcode: Opcode
    word: int
    began: int
    finished: int | None = None


class MachineCounter:
    """Counts clock by clock. A start of the machine does not clear it.

    Attributes:
        clocks, transfers: so far.
        spans: for each engine its instructions in the order in which they began.
    """

    def __init__(self, vector: int) -> None:
        self._vector = vector
        self.clocks = MachineClocks()
        self.transfers = TransferBytes()
        self.spans: dict[Engine, list[Span]] = {engine: [] for engine in Engine}
        self._open: dict[Opcode, deque[Span]] = {opcode: deque() for opcode in Opcode}
        self._blocked: str | None = None
        self.clock = 0

    def read(self, kind: int | None) -> None:
        """A vector came from memory: of a LOAD of this kind, or of instructions (None)."""
        name = "instructions" if kind is None else Kind(kind).name.lower()
        setattr(self.transfers, name, getattr(self.transfers, name) + self._vector)

    def written(self) -> None:
        """A vector went to memory."""
        self.transfers.outputs += self._vector

    def begin(self, engine: Engine, instruction: Decoded) -> None:
        """An instruction begins in this clock."""
        opcode = Opcode(instruction.opcode)
        span = Span(opcode, instruction.word, self.clock)
        self.spans[engine].append(span)
        if opcode in (Opcode.SETUP, Opcode.END):
            span.finished = self.clock
        else:
            self._open[opcode].append(span)

    def finish(self, opcode: Opcode) -> None:
        """The oldest instruction of this kind that is under way ends in this clock."""
        if self._open[opcode]:
            self._open[opcode].popleft().finished = self.clock

    def sequencer(self, core: Core, bundles: bool) -> None:
        """The cause of the clock, from the core's wires; `bundles`: some are on the stream `activations`."""
        clocks, sequencer, waiting = self.clocks, core.sequencer, core.next_pass
        blocked = None
        if waiting is not None and not sequencer.take:
            full = not waiting.load or core.loader.full[1 - sequencer.bank]
            blocked = "hazard" if full else "tile_wait"
        if sequencer.issue:
            clocks.compute += 1
            if sequencer.finishes:
                self._blocked = blocked
                self.finish(Opcode.PASS)
        elif sequencer.active and not core.error:
            if sequencer.null or bundles:
                clocks.output_wait += 1
            else:
                clocks.activation_wait += 1
        else:
            self._between(waiting is not None and not core.error, blocked)
        self.clock += 1

    def _between(self, queued: bool, blocked: str | None) -> None:
        """A clock between passes; the one in which a pass is taken belongs to what held it back before."""
        if not queued:
            self._blocked = None
            self.clocks.idle += 1
            return
        cause = blocked or self._blocked or "idle"
        self._blocked = blocked
        setattr(self.clocks, cause, getattr(self.clocks, cause) + 1)
