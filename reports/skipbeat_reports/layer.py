"""One layer's results: the rows of every table and plot, and `layers[]` of `summary.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from skipbeat_arch.timing import Clocks, Events


def _not_negative(what: str, values: dict[str, int]) -> None:
    for name, value in values.items():
        if value < 0:
            raise ValueError(f"{what}: {name} must not be negative, not {value}")


@dataclass(frozen=True, kw_only=True)
class WeightBits:
    """Bits of a layer's compressed weights: values, metadata, and padding up to whole stream words."""

    values: int = 0
    metadata: int = 0
    padding: int = 0

    def __post_init__(self) -> None:
        _not_negative("weight bits", asdict(self))

    def __add__(self, other: WeightBits) -> WeightBits:
        return WeightBits(
            values=self.values + other.values,
            metadata=self.metadata + other.metadata,
            padding=self.padding + other.padding,
        )

    @property
    def total(self) -> int:
        """All the bits that cross the weight port."""
        return self.values + self.metadata + self.padding


@dataclass(frozen=True, kw_only=True)
class LayerSummary:
    """What a layer costs on a hardware description. Cycles and MACs are those of the whole batch.

    Attributes:
        name: the module's name in the model.
        kind: `convolution` or `linear`.
        shape: its sizes, for people.
        pattern: the pattern measured from the zeros, such as `2:4` or `dense`.
        cycles: clocks of the program with the pruned weights.
        cycles_dense: clocks of the same layer on the same array with b = M throughout.
        cycles_limit: clocks if every multiplier did a kept multiply-accumulate in every clock, rounded up.
        utilization: kept multiply-accumulates per multiplier and clock, 0..1.
        macs: multiply-accumulates with a nonzero weight; macs_dense: with every weight.
        clocks: where each of the `cycles` went; events: what energy is charged for.

    Raises:
        ValueError: a negative number, a utilisation outside 0..1, or clocks that do not sum to `cycles`.
    """

    name: str
    kind: str
    shape: str
    pattern: str
    cycles: int
    cycles_dense: int
    cycles_limit: int
    utilization: float
    macs: int
    macs_dense: int
    weight_bits: WeightBits
    clocks: Clocks
    events: Events

    def __post_init__(self) -> None:
        sizes = {
            "cycles": self.cycles,
            "cycles_dense": self.cycles_dense,
            "cycles_limit": self.cycles_limit,
            "macs": self.macs,
            "macs_dense": self.macs_dense,
        }
        for counts in (sizes, asdict(self.clocks), asdict(self.events)):
            _not_negative(f"layer {self.name}", counts)
        if not 0 <= self.utilization <= 1:
            raise ValueError(f"layer {self.name}: utilization must be in 0..1, not {self.utilization}")
        if self.clocks.cycles != self.cycles:
            raise ValueError(f"layer {self.name}: the clocks sum to {self.clocks.cycles}, not to {self.cycles} cycles")

    @property
    def speedup(self) -> float | None:
        """Dense over sparse cycles; None when the layer takes no clock at all."""
        return self.cycles_dense / self.cycles if self.cycles else None

    def to_json(self) -> dict[str, Any]:
        """The object of `layers[]`."""
        return asdict(self) | {"speedup": self.speedup}
