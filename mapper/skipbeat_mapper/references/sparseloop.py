"""Sparseloop's sparse tensor core and its bandwidth, and the same question put to our activation buffer.

Source: Y. N. Wu et al., "Sparseloop", MICRO 2022, published artifact (Accelergy-Project/micro22-sparseloop-artifact,
`fig15_stc_related_setup`, design STC_flexible-RF2x-24-bandwidth): 1,024 int8 multipliers, 64 outputs × 16 of the
reduction axis at a time, behind a shared memory that delivers 42 bytes per clock, sized for 2:4.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.workload import Gemm

from .work import Ratio

MULTIPLIERS = 1024
BYTES_PER_CLOCK = 42
#: Outputs that share an activation when it is read, and pixels that share a weight.
OUTPUTS_AT_ONCE, PIXELS_AT_ONCE = 64, 128
#: The layer of the published case: 128 outputs, a reduction of 1,152, 1,024 pixels.
PUBLISHED_CASE = Gemm(p=1024, c=1152, k=128)


@dataclass(frozen=True, kw_only=True)
class TensorCore:
    """Cycles of a matrix product on the published tensor core, and what its shared memory reads for it, in bytes."""

    compute: int
    activations: int
    weights: int
    metadata: int

    @property
    def cycles(self) -> int:
        """The larger of the multipliers' clocks and the shared memory's."""
        return max(self.compute, -(-(self.activations + self.weights + self.metadata) // BYTES_PER_CLOCK))


def tensor_core(gemm: Gemm, sparse: Ratio) -> TensorCore:
    """The published tensor core on a matrix product whose weights are N:M.

    An activation is read once for each 64 outputs, a weight that is there once for each 128 pixels, with its index:
    2 bits up to M = 4, 4 bits beyond. These counts are those of the published runs.
    """
    n, m = sparse
    kept = Fraction(n, m)
    weights = -(-gemm.p // PIXELS_AT_ONCE) * gemm.c * gemm.k * kept
    return TensorCore(
        compute=-(-int(gemm.macs * kept) // MULTIPLIERS),
        activations=gemm.p * gemm.c * -(-gemm.k // OUTPUTS_AT_ONCE),
        weights=int(weights),
        metadata=int(weights * (2 if m <= 4 else 4) / 8),
    )


def activation_bytes_per_clock(hw: Hardware, beat: int) -> float:
    """Bytes that the activation banks deliver while passes have `beat` steps: R bundles of M bytes in each beat."""
    return hw.array.rows * hw.array.group / beat


def beat_at_bandwidth(hw: Hardware, beat: int, bytes_per_clock: float) -> float:
    """Clocks of a beat if the activation banks delivered only so many bytes per clock, which they do not.

    The R bundles of M bytes of a pixel then take R · M / bandwidth clocks, if that is more than the b steps.
    """
    return max(beat, hw.array.rows * hw.array.group / bytes_per_clock)
