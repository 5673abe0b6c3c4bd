"""Output stage: sums become output vectors, by pooling, bias, requantisation and clamp, or raw."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import RAW_VECTORS
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine

from .requantise import Parameters, signed

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

    A job is a STORE. All columns of a vector are worked out when its last ones are sent; the sums stay at the port
    until then, or the largest ones of a window in their registers, and the residuals are noted column by column.

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
        self._results = self._largest = self._none
        self.vector_o: Vector | None = None

    @property
    def parameter_address_o(self) -> int:
        """It means something while busy."""
        return self.job.block * PARAMETER_PITCH + self._loading

    @property
    def residual_address_o(self) -> int:
        """Once the wires are set; it means something while busy."""
        return (self.job.residual_at + self._item + (self._step and self._last_sub)) & MASK

    @property
    def jobs_ready(self) -> bool:
        """A job can be taken."""
        return not self.busy

    def evaluate(self, results: Int64Array | None) -> None:
        """Wires: `results_ready`; and the step of the clock.

        Args:
            results: int64 [C] of unsigned bits.
        """
        if results is not None:
            self._results = results
        self.results_ready = self._step = self._taken = self._last_sub = False
        job = self.job
        if not self._loaded or not self.busy or self._item == job.count:
            return
        self._last_sub = self._sub == (RAW_VECTORS - 1 if job.raw else self._steps - 1)
        self._whole = self._item + 1 == job.count
        self._pooling, self._closes = job.pool != 1, self._pooled == job.pool - 1
        self.results_ready = self._last_sub
        if self._pooling:
            self.results_ready = self._sub == 0 or (self._last_sub and not self._whole)
        self._taken = self.results_ready and results is not None
        self._step = results is not None
        if self._pooling:
            self._step = self._sub != 0 or (self._taken and self._closes)

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
        self._pipeline.append(self._send(residual) if self._step else None)
        if self._taken:
            if self._pooling:
                sums = signed(self._results)
                self._largest = np.maximum(self._largest, sums) if self._pooled else sums
            self._pooled = 0 if self._closes else self._pooled + 1
        if not self._loaded:
            if self._loading:
                self._stored[self._loading - 1] = parameter
            self._loaded = self._loading == PARAMETER_VECTORS
            self._loading += 1
            if self._loaded:
                self._parameters = Parameters(self._stored, self._machine.vector)

    def _send(self, residual: int) -> tuple[int, bool] | None:
        """A step; the vector, if it is not raw and the step's columns complete it, and whether it is the job's last."""
        job, vector, final = self.job, None, self._last_sub and self._whole
        if self._parameters is not None and job.raw:
            words = self._parameters.with_bias(self._sent()).astype("<u4")
            quarter = len(words) // RAW_VECTORS
            data = words[self._sub * quarter : (self._sub + 1) * quarter].tobytes()
            self.vector_o = Vector(int.from_bytes(data, "little"), final, self._index)
        elif self._parameters is not None:
            added = self._added(residual) if job.residual else None
            if self._last_sub:
                columns = self._parameters.requantise(self._sent(), added, job.low, job.high)
                vector = int.from_bytes(columns.astype(np.int8).tobytes(), "little"), final
        self._item += self._last_sub
        self._sub = 0 if self._last_sub else self._sub + 1
        return vector

    def _sent(self) -> Int64Array:
        """What is sent: the sums of the item at the port, or the largest ones of its window; signed."""
        if self._pooling and self._sub:
            return self._largest
        sums = signed(self._results)
        return np.maximum(self._largest, sums) if self._pooling else sums

    def _added(self, residual: int) -> Int64Array:
        """The residuals of the vector's columns up to the step's, which are new."""
        at = self._sub * self._lanes
        values = np.frombuffer(residual.to_bytes(self._machine.vector, "little"), np.int8)
        self._residual[at : at + self._lanes] = values[at : at + self._lanes]
        return self._residual
