"""Batch normalisation folded into the layer before it.

In evaluation, bn(w * x + b) = scale (w * x + b - mean) / sqrt(variance + eps) + shift is a layer with other weights and
bias; a weight that is zero stays zero, so a pruned network stays pruned (Jacob et al., "Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..graphs.constants import Constants
from ..graphs.graph import Operator, Value

#: The operands of a batch normalisation that have a number for each channel.
OF_CHANNELS = ("running_mean", "running_var", "weight", "bias")


@dataclass(frozen=True, kw_only=True, eq=False)
class Norm:
    """`y = factor * x + shift` for each channel, [K]."""

    factor: torch.Tensor
    shift: torch.Tensor

    @classmethod
    def read(cls, operator: Operator, constants: Constants) -> Norm:
        """A batch normalisation whose statistics and parameters are stored."""

        def stored(name: str) -> torch.Tensor | None:
            value = operator.args.get(name)
            constant = constants.find(value) if isinstance(value, Value) else None
            return constant.numbers() if constant else None

        mean, variance, weight, bias = map(stored, OF_CHANNELS)
        assert mean is not None
        assert variance is not None
        eps = operator.args.get("eps", 1e-5)
        factor = torch.rsqrt(variance + (eps if isinstance(eps, float) else 1e-5))
        if weight is not None:
            factor = factor * weight
        shift = -mean * factor
        return cls(factor=factor, shift=shift if bias is None else bias - mean * factor)
