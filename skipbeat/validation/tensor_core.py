"""Sparseloop's tensor-core case beside a core with as many multipliers, and its bandwidth loss put to ours."""

from __future__ import annotations

from collections.abc import Iterator

from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_mapper.references.sparseloop import (
    BYTES_PER_CLOCK,
    PUBLISHED_CASE,
    TensorCore,
    activation_bytes_per_clock,
    beat_at_bandwidth,
    tensor_core,
)

from .core import pattern_cycles
from .machine import machine_cycles
from .row import Row

DENSE, AT_2_4, AT_2_8 = 147_456, 73_728, 66_707
TOOL = "Sparseloop 2022"
WIDE = "large-32x32, array.group=8"


def sparseloop_rows() -> Iterator[Row]:
    """Dense, 2:4, 2:8, and 2:8 on this machine if its activation buffer were as narrow as 2:4 needs it."""
    hw, wide = load_hardware("large-32x32"), load_hardware("large-32x32", ["array.group=8"])
    dense, dense_wide = pattern_cycles(PUBLISHED_CASE, (1, 1), hw), pattern_cycles(PUBLISHED_CASE, (1, 1), wide)
    yield Row(
        tool=TOOL,
        case=_case("dense"),
        published=DENSE,
        formula=tensor_core(PUBLISHED_CASE, (1, 1)).compute,
        core=dense,
        hardware="large-32x32",
        machine=machine_cycles([PUBLISHED_CASE], (1, 1), hw),
        explanation=f"it counts no fill; here {dense - DENSE} cycles load the first tile and drain the last pass",
    )
    two_four = pattern_cycles(PUBLISHED_CASE, (2, 4), hw)
    yield Row(
        tool=TOOL,
        case=_case("2:4"),
        published=AT_2_4,
        formula=tensor_core(PUBLISHED_CASE, (2, 4)).cycles,
        core=two_four,
        hardware="large-32x32",
        dense_published=DENSE,
        dense_core=dense,
        machine=machine_cycles([PUBLISHED_CASE], (2, 4), hw),
        explanation=f"likewise {two_four - AT_2_4} cycles, over half the work",
    )
    published = tensor_core(PUBLISHED_CASE, (2, 8))
    yield Row(
        tool=TOOL,
        case=_case("2:8, 42 bytes per clock as 2:4 needs"),
        published=AT_2_8,
        formula=published.cycles,
        core=pattern_cycles(PUBLISHED_CASE, (2, 8), wide),
        hardware=WIDE,
        dense_published=DENSE,
        dense_core=dense_wide,
        machine=machine_cycles([PUBLISHED_CASE], (2, 8), wide),
        explanation=_full_bandwidth(published, wide),
    )
    yield _what_if(published, hw, wide, dense_wide)


def _case(pattern: str) -> str:
    return f"GEMM 128×1152×1024, 1,024 multipliers, {pattern}"


def _full_bandwidth(published: TensorCore, wide: Hardware) -> str:
    needed = published.activations / published.compute
    return (
        f"its multipliers need {published.compute:,} cycles, its shared memory "
        f"({published.activations:,} activations + {published.weights:,} weights + {published.metadata:,} metadata) / "
        f"{BYTES_PER_CLOCK} = {published.cycles:,}: activations alone would need {needed:.0f} bytes per clock. Here "
        "every row has a bank that delivers its M activations in any clock, so the R·M / b = "
        f"{activation_bytes_per_clock(wide, 2):.0f} bytes per clock at b = 2 are there: the speed-up is paid for with "
        "the width of the banks"
    )


def _what_if(published: TensorCore, hw: Hardware, wide: Hardware, dense: int) -> Row:
    narrow = activation_bytes_per_clock(hw, 2)
    beat = beat_at_bandwidth(wide, 2, narrow)
    share, needed = published.activations / published.cycles, published.activations / published.compute
    return Row(
        tool=TOOL,
        case=_case("2:8, and here banks as narrow as 2:4 needs"),
        published=AT_2_8,
        formula=published.cycles,
        core=pattern_cycles(PUBLISHED_CASE, (int(beat), 8), wide),
        dense_published=DENSE,
        hardware=f"{WIDE}, what if",
        dense_core=dense,
        explanation=(
            f"with R·4 / 2 = {narrow:.0f} bytes per clock a beat of 2 steps would take R·8 / {narrow:.0f} = {beat:.0f} "
            "clocks: as long as 4:8, whose program is priced here. Sparseloop's memory is shared with the weights, "
            f"which get fewer, so its activations get {share:.2f} of the {needed:.0f} bytes per clock that they need: "
            f"4 · {share:.2f} / {needed:.0f} = {DENSE / AT_2_8:.2f}×. Banks of their own have nothing to borrow"
        ),
    )
