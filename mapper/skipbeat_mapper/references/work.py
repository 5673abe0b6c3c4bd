"""A model as other tools see it: matrix products with a fixed N:M at most."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.model import ModelDescription
from skipbeat_arch.workload import Convolution, Gemm, Workload

#: N nonzero weights in each M.
Ratio = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Work:
    """A matrix product or convolution, `repeats` times. `sparse` is None for a weight without an N:M pattern."""

    workload: Workload
    repeats: int = 1
    sparse: Ratio | None = None

    @property
    def products(self) -> tuple[Gemm, int]:
        """The matrix product of a channel group, and how many there are of it."""
        if isinstance(self.workload, Convolution):
            return self.workload.gemm, self.workload.groups * self.repeats
        return self.workload, self.repeats


def model_work(model: ModelDescription) -> tuple[Work, ...]:
    """The products of all layers; a layer's measured pattern is kept where it is N:M with N < M."""
    work = []
    for layer in model.layers:
        pattern = layer.pattern
        sparse = (pattern.n, pattern.m) if pattern.kind == "nm" and pattern.n < pattern.m else None
        work += [Work(workload=part.workload, repeats=part.repeats, sparse=sparse) for part in layer.parts]
    return tuple(work)
