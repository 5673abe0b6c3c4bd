"""The turner: vectors of the residual memory, transposed."""

from __future__ import annotations

from collections import deque

import numpy as np

from skipbeat_arch import turn_instruction
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.machine import Machine
from skipbeat_arch.training.turning import turn

from .output import MASK, Vector

_NOTHING = turn_instruction.Turn.from_bits(0)
_COUNTS, _LAST = turn_instruction.Turn.largest("count"), 2 * turn_instruction.Turn.largest("lanes") + 1


class Turner:
    """Twin of the turner. `evaluate` sets the wires of the clock, `update` ends it; `vector_o` is a register."""

    def __init__(self, machine: Machine) -> None:
        self._size = machine.vector
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.busy = self.residual_enable_o = self._came = False
        self.job = _NOTHING
        self.vector_o: Vector | None = None
        self._row = self._turned = self._index = self._place = 0
        self._at = self._block = self._inner = self._turns = self._left = 0
        self._taken: list[Int64Array] = []
        self._blocks: deque[Int64Array] = deque()

    @property
    def jobs_ready(self) -> bool:
        """A job can be taken."""
        return not self.busy

    @property
    def residual_address_o(self) -> int:
        """The vector that is read if `residual_enable_o`."""
        return self._at

    def update(self, jobs: int | None, residual_i: int) -> None:
        """End of a clock with a TURN on the stream, if not None, and the data of the residual memory."""
        job = jobs if self.jobs_ready else None
        shown = self.vector_o
        self._give(self._blocks.popleft() if self._blocks else None)
        if self._came:
            self._take(residual_i)
        if not self.busy:
            self._taken.clear()
            self._blocks.clear()
        self._came = self.residual_enable_o
        if self.residual_enable_o:
            self._advance()
        if shown is not None and shown.final:
            self.busy = False
        if job is not None:
            self._begin(turn_instruction.Turn.from_bits(job))

    def _begin(self, job: turn_instruction.Turn) -> None:
        self.busy = self.residual_enable_o = True
        self.job = job
        self._at = self._block = self._inner = job.residual_at
        self._row = self._turned = self._index = self._place = 0
        self._turns, self._left = job.n0, job.count

    def _take(self, vector: int) -> None:
        """A vector that was read; a block is turned with its last one."""
        self._taken.append(np.frombuffer(vector.to_bytes(self._size, "little"), np.uint8).astype(np.int64))
        if len(self._taken) == self._size:
            self._blocks.extend(turn(np.array(self._taken), self._size))
            self._taken.clear()

    def _advance(self) -> None:
        """To the next vector that is read."""
        job = self.job
        self._row, self._at = self._row + 1, self._at + 1 & MASK
        if self._row < self._size:
            return
        self._row, self._left = 0, self._left - 1 & _COUNTS
        self.residual_enable_o = self._left != 0
        self._turns = self._turns - 1 & turn_instruction.Turn.largest("n0")
        if self._turns:
            self._block = self._block + job.step0 & MASK
        else:
            self._block = self._inner = self._inner + job.step1 & MASK
            self._turns = job.n0
        self._at = self._block

    def _give(self, turned: Int64Array | None) -> None:
        """A turned vector is shown in the next clock, if it is to be written."""
        if self.vector_o is not None:
            self._index = self._index + 1 & MASK
        self.vector_o = None
        if turned is None:
            return
        job, place = self.job, self._place
        # of lanes that there are not, none is the last
        last = job.lane + job.lanes - 1 & _LAST
        if job.lane <= place <= last:
            final = place == last and (self._turned + 1 & _COUNTS) == job.count
            data = int.from_bytes(turned.astype(np.uint8).tobytes(), "little")
            self.vector_o = Vector(data, final, self._index)
        self._place += 1
        if self._place == self._size:
            self._place, self._turned = 0, self._turned + 1
