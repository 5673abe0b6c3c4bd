"""Models of a few linear layers whose patterns are known."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.model import LayerKind, LayerPart, ModelLayer, WeightZeros
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Gemm


def layer(gemm: Gemm, pattern: str, repeats: int = 1) -> ModelLayer:
    """A linear layer of a pattern."""
    zeros = WeightZeros(key=pattern, nonzero=lambda: np.ones((gemm.c, gemm.k), np.bool_))
    return ModelLayer(
        name=pattern,
        kind=LayerKind.LINEAR,
        parts=(LayerPart(workload=gemm, weight=zeros, repeats=repeats),),
        shape="",
        pattern=Pattern.parse(pattern),
        density=1.0,
    )
