"""What zeros among activations would save: bounds, since no machine here skips them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ActivationBound:
    """A layer whose activations were measured.

    Attributes:
        density: share of its activations that are not zero, 0..1.
        macs: products with a weight that is not zero, and how many of them have an activation that is not zero either.
        cycles: as it is, and the fewest if every step of a zero activation were skipped.
        energy_pj: as it is, and with multipliers that hold still for a zero activation.
    """

    layer: str
    density: float
    macs: tuple[int, int]
    cycles: tuple[int, int]
    energy_pj: tuple[float, float]
