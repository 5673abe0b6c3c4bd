"""Coefficients of an update, from real numbers to those of the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skipbeat_arch.arrays import BoolArray, FloatArray, Int32Array, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.training.update_rule import MANTISSA_BITS, Coefficient, Rule, update

#: Exponents of the units of master weights, which reach from -8 to 8, and of momenta, from -512 to 512: a gradient's
#: unit may be 2^15 units of momentum at most, and those of a batch of two images are 2^14.
WEIGHT_EXPONENT, MOMENTUM_EXPONENT = -28, -22
_LIMIT = 8.0


@dataclass(frozen=True, kw_only=True)
class OptimiserStep:
    """v' = momentum · v + g + decay · w and w' = w - rate · v'; `masked_decay` joins where the forward mask drops w."""

    momentum: float
    decay: float
    masked_decay: float
    rate: float

    def without_decay(self) -> OptimiserStep:
        """The same for biases."""
        return replace(self, decay=0, masked_decay=0)

    def rule(self, exponent: int) -> Rule:
        """The same for gradients in a unit of 2^exponent.

        Raises:
            InputError: momenta have too fine a unit for it.
        """
        if exponent - MOMENTUM_EXPONENT >= MANTISSA_BITS:
            raise InputError(
                f"gradients in units of 2^{exponent} are too large for momenta; a larger batch has finer ones"
            )
        to_momentum = 2.0 ** (WEIGHT_EXPONENT - MOMENTUM_EXPONENT)
        return Rule(
            momentum=Coefficient.of(self.momentum),
            gradient=Coefficient.of(2.0 ** (exponent - MOMENTUM_EXPONENT)),
            decay=Coefficient.of(self.decay * to_momentum),
            dropped_decay=Coefficient.of((self.decay + self.masked_decay) * to_momentum),
            rate=Coefficient.of(self.rate / to_momentum),
        )


class Master:
    """Parameters int32 in units of 2^-28 with their momenta.

    Raises:
        InputError: values outside -8 .. 8.
    """

    def __init__(self, name: str, values: FloatArray) -> None:
        if not bool((np.abs(values) < _LIMIT).all()):
            raise InputError(f"layer {name}: expected weights between -8 and 8, as 32 bits hold them")
        self.values: Int32Array = np.rint(np.ldexp(values, -WEIGHT_EXPONENT)).astype(np.int32)
        self.momenta = np.zeros_like(self.values)

    def real(self) -> FloatArray:
        """The numbers that the values stand for, exactly."""
        return np.ldexp(self.values.astype(np.float64), WEIGHT_EXPONENT)

    def update(self, step: OptimiserStep, gradients: Int64Array, exponent: int, kept: BoolArray) -> None:
        """One step with gradients in a unit of 2^exponent; `kept` is the forward mask."""
        rule = step.rule(exponent)
        self.values, self.momenta = update(rule, self.values, self.momenta, gradients, kept)
