"""SCALE-Sim v3's published cycles, without memory stalls.

Source: R. Raj et al., "SCALE-Sim v3", ISPASS 2025, and its code (github.com/scalesim-project/scale-sim-v3,
`scalesim/compute/systolic_compute_ws.py` and `systolic_compute_os.py`). Each fold loads its operand (weight-stationary:
R clocks), streams T vectors, and drains through the skew (R + C − 2 clocks) before the next one starts:

    weight-stationary   ⌈K' / R⌉ · ⌈N / C⌉ · (2R + C + T − 2) − 1       T = P pixels, N outputs
    output-stationary   ⌈P / R⌉ · ⌈N / C⌉ · (R + C + T − 2) − 1         T = reduction

K' is the reduction axis compressed to ⌈reduction / M⌉ · N rows by an N:M pattern, or the reduction itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Reference
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.workload import Gemm, Workload

from .work import Ratio, Work

Dataflow = Literal["ws", "os"]


def scale_sim_cycles(
    workload: Workload, rows: int, cols: int, sparse: Ratio | None = None, *, dataflow: Dataflow = "ws"
) -> int:
    """Cycles of a layer; a grouped convolution is a layer for each channel group.

    Raises:
        InputError: a ratio that is not N:M, or one with the output-stationary dataflow, which has no sparsity.
    """
    gemm, count = Work(workload=workload).products
    folds, clocks = _folds(gemm, rows, cols, sparse, dataflow)
    return count * (folds * clocks - 1)


def scale_sim_fill(
    workload: Workload, rows: int, cols: int, sparse: Ratio | None = None, *, dataflow: Dataflow = "ws"
) -> int:
    """How many of these cycles load weights, fill the skew and drain it."""
    gemm, count = Work(workload=workload).products
    folds, clocks = _folds(gemm, rows, cols, sparse, dataflow)
    return count * (folds * (clocks - (gemm.p if dataflow == "ws" else gemm.c)) - 1)


def scale_sim_reference(work: Sequence[Work], hw: Hardware) -> Reference:
    """SCALE-Sim v3 for the same array, weight-stationary, with where its cycles go."""
    rows, cols = hw.array.rows, hw.array.cols
    cycles = _total(work, rows, cols, sparse=True)
    fill = sum(w.repeats * scale_sim_fill(w.workload, rows, cols, w.sparse) for w in work)
    share = fill / cycles if cycles else 0.0
    return Reference(
        name=f"SCALE-Sim v3, {rows}×{cols}, weight-stationary",
        cycles=cycles,
        cycles_dense=_total(work, rows, cols, sparse=False),
        explanation=(
            f"its formula loads, fills and drains the array for every fold: {fill:,} of these cycles ({share:.0%}), "
            "where here tiles load behind the array and passes follow one another; it skips rows of an N:M pattern "
            "only, its metadata is free, and it waits for no memory"
        ),
    )


def _total(work: Iterable[Work], rows: int, cols: int, *, sparse: bool) -> int:
    return sum(w.repeats * scale_sim_cycles(w.workload, rows, cols, w.sparse if sparse else None) for w in work)


def _folds(gemm: Gemm, rows: int, cols: int, sparse: Ratio | None, dataflow: Dataflow) -> tuple[int, int]:
    """Folds of a layer and the clocks of each."""
    if dataflow == "os":
        if sparse is not None:
            raise InputError("SCALE-Sim: sparsity is priced for the weight-stationary dataflow only")
        return -(-gemm.p // rows) * -(-gemm.k // cols), rows + cols + gemm.c - 2
    n, m = sparse or (1, 1)
    if not 1 <= n <= m:
        raise InputError(f"SCALE-Sim: expected a pattern N:M with 1 <= N <= M, not {n}:{m}")
    reduction = -(-gemm.c // m) * n
    return -(-reduction // rows) * -(-gemm.k // cols), 2 * rows + cols + gemm.p - 2
