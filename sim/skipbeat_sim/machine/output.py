"""Output stage: sums become output vectors, by bias, requantisation, clamp and pooling, or raw."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine

from .requantise import Parameters

#: Clocks from the step of an item's last columns to its vector, less one for the output register.
STAGES = 7
MASK = 0xFFFF
_NOTHING = isa.Store.from_bits(0)


@dataclass(slots=True)
class Vector:
    """A finished vector, `index` counts those of its job."""

    data: int
    final: bool
    index: int


class OutputStage:
    """Twin of the output stage. `evaluate` sets the wires of the clock, `update` ends it.

    A job is a STORE. All columns of an item are worked out when its last ones are taken; its sums stay at the port
    until then, and the residuals are noted column by column.

    Attributes:
        vector_o: None while it is not valid.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._steps = machine.hw.array.cols // machine.hw.outputs.lanes
        self._lanes = machine.hw.outputs.lanes
        self._residual = np.zeros(machine.vector, np.int64)
        self._none = np.zeros(machine.vector, np.int64)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.busy = self._loaded = False
        self.job = _NOTHING
        self._loading = self._item = self._pooled = self._sub = self._index = 0
        self._stored = [0] * PARAMETER_VECTORS
        self._parameters: Parameters | None = None
        self._pipeline: deque[tuple[int, bool] | None] = deque([None] * STAGES)
        self._assembled = self._none
        self.vector_o: Vector | None = None

    @property
    def parameter_address_o(self) -> int:
        """It means something while busy."""
        return self.job.block * PARAMETER_PITCH + self._loading

    @property
    def residual_address_o(self) -> int:
        """Once the wires are set; it means something while busy."""
        return (self.job.residual_at + self._item + (self._taken and self._pool_ends)) & MASK

    @property
    def jobs_ready(self) -> bool:
        """A job can be taken."""
        return not self.busy

    def evaluate(self, results: Int64Array | None) -> None:
        """Wires: `results_ready`; and the step of the clock.

        Args:
            results: int64 [C] of unsigned bits.
        """
        self._sums = results
        self.results_ready = self._step = self._taken = self._pool_ends = False
        if not self._loaded or not self.busy:
            return
        job = self.job
        remaining = self._item != job.count
        self._last_sub = self._sub == (3 if job.raw else self._steps - 1)
        self.results_ready = remaining and self._last_sub
        self._step = remaining and results is not None
        self._taken = self._step and self._last_sub
        self._pool_ends = self._pooled == job.pool - 1

    def update(self, jobs: int | None, parameter_i: int, residual_i: int) -> None:
        """End of a clock with a STORE on the stream, if not None, and the data of two memories."""
        job = jobs if self.jobs_ready else None
        if self.busy:
            self._run(parameter_i, residual_i)
        if job is not None:
            self.busy, self._loaded = True, False
            self.job = isa.Store.from_bits(job)
            self._item = self._sub = self._pooled = self._index = self._loading = 0

    def _run(self, parameter: int, residual: int) -> None:
        shown, item = self.vector_o, self._pipeline.popleft()
        if shown is not None:
            self._index = (self._index + 1) & MASK
            if shown.final:
                self.busy = False
        self.vector_o = None if item is None else Vector(item[0], item[1], self._index)
        item = None
        if self._step and self._sums is not None:
            if self.job.raw:
                self._raw(self._sums)
            else:
                item = self._quantised(self._sums, residual)
            self._sub = 0 if self._last_sub else self._sub + 1
        self._pipeline.append(item)
        if self._taken:
            self._pooled = 0 if self._pool_ends else self._pooled + 1
            self._item += self._pool_ends
        if not self._loaded:
            if self._loading:
                self._stored[self._loading - 1] = parameter
            self._loaded = self._loading == PARAMETER_VECTORS
            self._loading += 1
            if self._loaded:
                self._parameters = Parameters(self._stored, self._machine.vector)

    def _raw(self, sums: Int64Array) -> None:
        if self._parameters is None:
            return
        words = self._parameters.with_bias(sums).astype("<u4")
        quarter = len(words) // 4
        data = words[self._sub * quarter : (self._sub + 1) * quarter].tobytes()
        final = self._last_sub and self._item + 1 == self.job.count
        self.vector_o = Vector(int.from_bytes(data, "little"), final, self._index)

    def _quantised(self, sums: Int64Array, residual: int) -> tuple[int, bool] | None:
        """The step's columns; a vector if it is complete with them."""
        job, added = self.job, self._none
        if job.residual:
            size, at = self._machine.vector, self._sub * self._lanes
            values = np.frombuffer(residual.to_bytes(size, "little"), np.int8)
            self._residual[at : at + self._lanes] = values[at : at + self._lanes]
            added = self._residual
        if not self._taken or self._parameters is None:
            return None
        vector = self._parameters.requantise(sums, added if job.residual else None, job.low, job.high)
        if self._pooled:
            vector = np.maximum(self._assembled, vector)
        self._assembled = vector
        if not self._pool_ends:
            return None
        return int.from_bytes(vector.astype(np.int8).tobytes(), "little"), self._item + 1 == job.count
