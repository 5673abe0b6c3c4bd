"""Cycles of the core, with ideal ports, for work that keeps an N:M pattern exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.workload import Convolution, Workload
from skipbeat_mapper.core_compiler.compile import compile_layer
from skipbeat_mapper.references.work import Ratio


def pattern_cycles(workload: Workload, sparse: Ratio, hw: Hardware) -> int:
    """Cycles of a layer whose weights keep the first N of each M along the reduction axis; N = M is dense.

    Which N are kept does not change the cycles: a pass takes as many steps as its fullest group.
    """
    gemm = workload.gemm if isinstance(workload, Convolution) else workload
    n, m = sparse
    kept = np.arange(gemm.c) % m < n
    weight = np.broadcast_to(kept.astype(np.int8)[:, None], (gemm.c, gemm.k)).copy()
    return compile_layer((weight, workload), hw).cycles


def model_cycles(layers: Sequence[Workload], sparse: Ratio, hw: Hardware) -> int:
    """Cycles of layers one after the other; the first one is dense, as the field leaves it."""
    first, *others = layers
    return pattern_cycles(first, (1, 1), hw) + sum(pattern_cycles(other, sparse, hw) for other in others)
