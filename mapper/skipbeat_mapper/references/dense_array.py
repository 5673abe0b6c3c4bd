"""An ideal dense weight-stationary array with as many multipliers and no sparsity hardware.

Each of its R × C PEs holds one weight. A pass is R elements of the reduction axis × C outputs over all pixels, a clock
per pixel; passes follow one another without fill, drain or memory stalls:

    ⌈reduction / R⌉ · ⌈outputs / C⌉ · P    clocks for each channel group

What is left over the multipliers' limit (products / (R · C)) is the ragged edge of the last passes.
"""

from __future__ import annotations

from collections.abc import Sequence

from skipbeat_arch.estimate import Reference
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.workload import Workload

from .work import Work


def dense_array_cycles(workload: Workload, rows: int, cols: int) -> int:
    """Clocks of a layer on the ideal dense array of rows × cols multipliers."""
    gemm, count = Work(workload=workload).products
    return count * -(-gemm.c // rows) * -(-gemm.k // cols) * gemm.p


def dense_array_reference(work: Sequence[Work], hw: Hardware) -> Reference:
    """The ideal dense array of this machine's shape, with what its own edges cost it."""
    rows, cols = hw.array.rows, hw.array.cols
    cycles = sum(w.repeats * dense_array_cycles(w.workload, rows, cols) for w in work)
    limit = -(-sum(w.repeats * w.workload.macs for w in work) // hw.pes)
    edges = (cycles - limit) / cycles if cycles else 0.0
    return Reference(
        name=f"ideal dense array, {rows}×{cols}",
        cycles=cycles,
        cycles_dense=cycles,
        explanation=(
            "as many multipliers without sparsity hardware: it computes every zero, but never fills, drains or waits "
            f"for memory; {edges:.1%} of its cycles are ragged edges of layers that do not fill {rows} rows and "
            f"{cols} columns"
        ),
    )
