"""The update of weights: momentum, decay and step in fixed point, and the bytes for the array."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int8Array, Int32Array, Int64Array
from skipbeat_arch.training.jobs import UPDATE_LATENCY
from skipbeat_arch.training.update_rule import Coefficient, Rule, to_bytes, update


@dataclass(slots=True)
class UpdateJob:
    """The coefficients of a step."""

    momentum_mantissa: int
    momentum_shift: int
    gradient_mantissa: int
    gradient_shift: int
    decay_mantissa: int
    decay_shift: int
    dropped_decay_mantissa: int
    dropped_decay_shift: int
    rate_mantissa: int
    rate_shift: int

    @property
    def rule(self) -> Rule:
        """The same as coefficients."""
        return Rule(
            momentum=Coefficient(self.momentum_mantissa, self.momentum_shift),
            gradient=Coefficient(self.gradient_mantissa, self.gradient_shift),
            decay=Coefficient(self.decay_mantissa, self.decay_shift),
            dropped_decay=Coefficient(self.dropped_decay_mantissa, self.dropped_decay_shift),
            rate=Coefficient(self.rate_mantissa, self.rate_shift),
        )


@dataclass(slots=True)
class Before:
    """What an item brings, a value per lane."""

    weights: Int32Array
    momenta: Int32Array
    gradients: Int64Array
    kept: BoolArray
    shifts: Int64Array


@dataclass(slots=True)
class After:
    """What it becomes; `sizes`: bits of the new weights' magnitudes."""

    weights: Int32Array
    momenta: Int32Array
    bytes: Int8Array
    sizes: Int64Array


class Update:
    """Twin of the lanes. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        o: what is on offer, None while there is nothing.
    """

    def __init__(self, lanes: int) -> None:
        self.reset()

    def reset(self) -> None:
        """The pipeline becomes empty."""
        self._stages: deque[After | None] = deque([None] * UPDATE_LATENCY)

    @property
    def o(self) -> After | None:
        """The last stage."""
        return self._stages[-1]

    def evaluate(self, o_ready: bool) -> None:
        """Wire: `i_ready`."""
        self.i_ready = self.o is None or o_ready

    def update(self, i: Before | None, job_i: UpdateJob) -> None:
        """End of a clock with an item on the stream, if not None."""
        if self.i_ready:
            self._stages.pop()
            self._stages.appendleft(None if i is None else _updated(i, job_i.rule))


def _updated(item: Before, rule: Rule) -> After:
    """The job does not change while items are inside, so they are made as they enter."""
    weights, momenta = update(rule, item.weights, item.momenta, item.gradients, item.kept)
    sizes = [int(each).bit_length() for each in np.abs(weights.astype(np.int64))]
    return After(weights, momenta, to_bytes(weights, item.shifts), np.array(sizes, np.int64))
