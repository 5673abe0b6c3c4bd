"""Output stage: sums become output vectors, by pooling, bias, requantisation and clamp, or raw."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import PLACED_VECTORS, RAW_VECTORS
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine

from .gradient_lanes import LATENCY, SCALED, GradientLanes, Noted
from .requantise import Parameters, signed

#: Clocks from the one in which the last columns are sent to their vector, less one for the output register.
STAGES, RAW_STAGES = 8, 1
MASK = 0xFFFF
#: Items of the longest window.
LONGEST = isa.Store.largest("pool")
_NOTHING = isa.Store.from_bits(0)


@dataclass(slots=True)
class Vector:
    """A finished vector, `index` counts those of its job."""

    data: int
    final: bool
    index: int


class OutputStage:
    """Twin of the output stage. `evaluate` sets the wires of the clock, `update` ends it.

    A job is a STORE. All columns of a vector are worked out when its last ones are sent, from the sums of its first
    clock; the residuals are noted column by column.

    Attributes:
        vector_o: None while it is not valid. noted_o: likewise, with `outputs.gradients` only.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._steps = machine.hw.array.cols // machine.hw.outputs.lanes
        self._lanes = machine.hw.outputs.lanes
        self._gradients = GradientLanes(machine) if machine.hw.outputs.gradients else None
        self._residual = np.zeros(machine.vector, np.int64)
        self._none = np.zeros(machine.vector, np.int64)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.busy = self._loaded = self.residual_enable_o = False
        self.job = _NOTHING
        self._residuals = 0
        self._loading = self._left = self._rest = self._sub = self._index = self.residual_address_o = 0
        self._opens = self._sending = self._final = False
        self._stored = [0] * PARAMETER_VECTORS
        self._parameters: Parameters | None = None
        self._pipeline: deque[tuple[int, bool] | None] = deque([None] * STAGES)
        self._raw: deque[tuple[int, bool] | None] = deque([None] * RAW_STAGES)
        self._results = self._largest = self._sent = self._none
        self._numbers = self._sent_numbers = self._none
        self._number = 0
        self.vector_o: Vector | None = None
        self._rounds = self._nearest = False
        nothing = self._columns = self._none[: self._lanes]
        self._scaled: deque[Int64Array] = deque([nothing] * (SCALED + 1))
        self._clipped: deque[Int64Array] = deque([nothing] * (LATENCY + 1))
        self._bytes: list[int] = []
        if self._gradients is not None:
            self._gradients.reset()

    @property
    def parameter_address_o(self) -> int:
        """It means something while busy."""
        return self.job.block * PARAMETER_PITCH + self._loading

    @property
    def reads_residual(self) -> bool:
        """A residual of the job is read; what lies behind its last one may be written in the same clock."""
        ahead = self.residual_address_o - self.job.residual_at & MASK
        return self.residual_enable_o and bool(self.job.residual) and ahead < self.job.count

    @property
    def loading(self) -> bool:
        """Parameters are read."""
        return self.busy and self._loading < PARAMETER_VECTORS

    @property
    def jobs_ready(self) -> bool:
        """A job can be taken."""
        return not self.busy

    def evaluate(self, results: Int64Array | None) -> None:
        """Wires: `results_ready`, `residual_enable_o`; and what is taken and sent in the clock.

        Args:
            results: int64 [C] of unsigned bits.
        """
        if results is not None:
            self._results = results
        job = self.job
        steps = self._steps * (PLACED_VECTORS if self._placed else 1)
        self._last = self._sub == (RAW_VECTORS if job.raw else steps) - 1
        free = not self._sending or (self._last if job.pool == 1 else self._sub >= steps - 2)
        self.results_ready = self._loaded and self._left != 0 and (not self._opens or free)
        self._taken = self.results_ready and results is not None
        self._closed = self._taken and self._rest == 0
        self._opening = self.busy and self._loading < 2
        self.residual_enable_o = self._opening or (self.busy and self._sending and self._last)
        self.noted_o: Noted | None = None
        if self._gradients is not None:
            clipped = int(self._clipped[-1] @ (1 << np.arange(self._lanes)))
            self._gradients.evaluate(self._rounds, self._columns, self._scaled[-1], clipped)
            self.noted_o = self._gradients.noted_o

    def update(self, jobs: int | None, parameter_i: int, residual_i: int) -> None:
        """End of a clock with a STORE on the stream, if not None, and the data of two memories."""
        job = jobs if self.jobs_ready else None
        if self.busy:
            self._run(parameter_i)
            if self.residual_enable_o:
                self._residuals = residual_i
                self.residual_address_o = (self.residual_address_o + 1) & MASK
        if job is not None:
            self.busy, self._loaded = True, False
            self.job = store = isa.Store.from_bits(job)
            self._left, self._rest, self._opens = store.count, (store.pool - 1) & LONGEST, True
            self._number = 0
            self.residual_address_o = store.residual_at
            self._index = self._loading = 0

    def _run(self, parameter: int) -> None:
        shown, item, raw = self.vector_o, self._pipeline.popleft(), self._raw.popleft()
        if shown is not None:
            self._index = (self._index + 1) & MASK
            if shown.final:
                self.busy, self._loaded = False, False
        self._end_lanes()
        made = raw if self.job.raw else item
        if made is item and item is not None and self._stochastic:
            made = self._assembled(), item[1]
        self.vector_o = None if made is None else Vector(made[0], made[1], self._index)
        last, closed, ends = self._last, self._closed, self._left == 1
        self._nearest = self._sending and self._notes and self._sub < self._steps
        vector = self._send() if self._sending else None
        self._rounds = self._sending and self._stochastic
        self._pipeline.append(None if self.job.raw else vector)
        self._raw.append(vector if self.job.raw else None)
        if closed:
            self._final = ends
        self._sending = closed or (self._sending and not last)
        if self._taken:
            sums = signed(self._results)
            larger = np.full(sums.shape, self._opens) | (sums > self._largest)
            self._largest = np.where(larger, sums, self._largest)
            self._numbers = np.where(larger, self._number, self._numbers)
            self._number = 0 if closed else self._number + 1 & LONGEST
            self._opens = closed
            self._rest = (self.job.pool if closed else self._rest) - 1 & LONGEST
            self._left -= closed
        self._load(parameter)

    @property
    def _stochastic(self) -> bool:
        """The job's bytes come from the lanes for gradients."""
        return self._gradients is not None and self.job.stochastic and not self.job.raw

    @property
    def _placed(self) -> bool:
        """A vector of places follows each."""
        return self._gradients is not None and self.job.places

    @property
    def _notes(self) -> bool:
        """The job's bytes are rounded half up and noted."""
        job = self.job
        return self._gradients is not None and job.noted and not job.stochastic and not job.raw

    def _end_lanes(self) -> None:
        """End of a clock of the lanes for gradients."""
        if self._gradients is not None:
            if self._gradients.bytes_o is not None:
                self._bytes.append(self._gradients.bytes_o.data)
            shift = 0 if self._parameters is None else self._parameters.first_shift
            self._scaled.rotate(1)
            self._clipped.rotate(1)
            self._gradients.update(shift, self.job.seed, self._opening, self._rounds, self._columns, self._nearest)

    def _assembled(self) -> int:
        """The vector whose last bytes have come."""
        vector = sum(data << (8 * self._lanes * place) for place, data in enumerate(self._bytes))
        self._bytes = []
        return vector

    def _load(self, parameter: int) -> None:
        """Parameters are there a clock after `_loaded`."""
        if self._loading <= PARAMETER_VECTORS:
            if self._loading:
                self._stored[self._loading - 1] = parameter
            self._loading += 1
            self._loaded = self._loading >= PARAMETER_VECTORS
            if self._loading > PARAMETER_VECTORS:
                self._parameters = Parameters(self._stored, self._machine.vector)

    def _send(self) -> tuple[int, bool] | None:
        """Columns; the vector, if it is raw or complete with them, and whether it is the job's last one."""
        job, vector, final = self.job, None, self._last and self._final
        if self._sub == 0:
            self._sent, self._sent_numbers = self._largest, self._numbers
        if self._parameters is not None and job.raw:
            data, size = self._parameters.with_bias(self._sent).astype("<u4").tobytes(), self._machine.vector
            vector = int.from_bytes(data[self._sub * size : (self._sub + 1) * size], "little"), final
        elif self._parameters is not None and self._stochastic:
            at = self._sub * self._lanes
            self._columns = self._parameters.with_bias(self._sent)[at : at + self._lanes]
            if job.residual:
                self._columns = np.where(self._added()[at : at + self._lanes], self._columns, 0)
            vector = (0, final) if self._last else None
        elif self._placed and self._sub >= self._steps:
            numbers = self._sent_numbers.clip(job.low, job.high).astype(np.int8)
            vector = (int.from_bytes(numbers.tobytes(), "little"), final) if self._last else None
        elif self._parameters is not None:
            added = self._added() if job.residual else None
            if self._notes:
                vector = self._note(added, final)
            elif self._sub == self._steps - 1:
                columns = self._parameters.requantise(self._sent, added, job.low, job.high)
                vector = int.from_bytes(columns.astype(np.int8).tobytes(), "little"), final
        self._sub = 0 if self._last else self._sub + 1
        return vector

    def _note(self, added: Int64Array | None, final: bool) -> tuple[int, bool] | None:
        """Columns of a noted job: what is told of them later."""
        assert self._parameters is not None
        made, scaled, clipped = self._parameters.note(self._sent, added, self.job.low, self.job.high)
        at = slice(self._sub * self._lanes, (self._sub + 1) * self._lanes)
        self._scaled[0], self._clipped[0] = scaled[at], clipped[at]
        whole = self._sub == self._steps - 1
        return (int.from_bytes(made.astype(np.int8).tobytes(), "little"), final) if whole else None

    def _added(self) -> Int64Array:
        """The residuals of the vector's columns up to those that are sent, which are new."""
        at = self._sub * self._lanes
        values = np.frombuffer(self._residuals.to_bytes(self._machine.vector, "little"), np.int8)
        self._residual[at : at + self._lanes] = values[at : at + self._lanes]
        return self._residual
