"""The content of `summary.json`: a network on a hardware description, layer by layer, and how it was checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.timing import Clocks, Events

from .layer import LayerSummary, WeightBits
from .machine_check import MachineCheck


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Share of `test_images` classified correctly, each 0..1."""

    dense: float
    pruned: float
    int8: float
    test_images: int

    def __post_init__(self) -> None:
        for name, value in (("dense", self.dense), ("pruned", self.pruned), ("int8", self.int8)):
            if not 0 <= value <= 1:
                raise ValueError(f"accuracy: {name} must be in 0..1, not {value}")
        if self.test_images < 1:
            raise ValueError(f"accuracy: test_images must be at least 1, not {self.test_images}")


@dataclass(frozen=True, kw_only=True)
class HardwareSummary:
    """The sizes of the hardware that a reader needs to judge the numbers. `group` is M."""

    name: str
    rows: int
    cols: int
    group: int
    clock_mhz: float
    decode_lanes: int
    accumulator_depth: int
    weight_bits: int
    activation_bits: int
    accumulator_bits: int

    @classmethod
    def of(cls, hw: Hardware) -> HardwareSummary:
        """The summary of a hardware description."""
        return cls(
            name=hw.name,
            rows=hw.array.rows,
            cols=hw.array.cols,
            group=hw.array.group,
            clock_mhz=hw.clock_mhz,
            decode_lanes=hw.weights.decode_lanes,
            accumulator_depth=hw.accumulators.depth,
            weight_bits=hw.numbers.weight_bits,
            activation_bits=hw.numbers.activation_bits,
            accumulator_bits=hw.numbers.accumulator_bits,
        )

    @property
    def multipliers(self) -> int:
        """One per PE."""
        return self.rows * self.cols


@dataclass(frozen=True, kw_only=True)
class RtlCheck:
    """The RTL run of `images` images: total cycles at each level, and whether every output bit was right."""

    images: int
    bit_exact: bool
    rtl_cycles: int
    model_cycles: int
    timing_cycles: int
    simulator: str
    clocks_per_second: float

    @property
    def agrees(self) -> bool:
        """Bits are exact, and RTL, cycle model and timing model took the same number of clocks."""
        return self.bit_exact and self.rtl_cycles == self.model_cycles == self.timing_cycles


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A network's results. `accuracy`, `rtl` and `machine` are None where nothing was classified or run on the RTL.

    Attributes:
        model: the network; `data`: what it was trained and tested on, for people.
        pattern: the pattern that was asked for.
        batch: images that the cycles of `layers` are for.
        rtl: the core's layers, one by one; machine: the whole network as one program.
        seed: of every random choice.
        versions: of the software, by name.
        notes: assumptions behind the numbers, one sentence each.
    """

    model: str
    data: str
    pattern: str
    hardware: HardwareSummary
    layers: tuple[LayerSummary, ...]
    batch: int = 1
    accuracy: Accuracy | None = None
    rtl: RtlCheck | None = None
    machine: MachineCheck | None = None
    seed: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, not {self.batch}")

    @property
    def cycles(self) -> int:
        """Clocks of all layers, one after the other."""
        return sum(layer.cycles for layer in self.layers)

    @property
    def cycles_dense(self) -> int:
        """The same with dense weights."""
        return sum(layer.cycles_dense for layer in self.layers)

    @property
    def cycles_limit(self) -> int:
        """The same if no multiplier ever idled."""
        return sum(layer.cycles_limit for layer in self.layers)

    @property
    def speedup(self) -> float | None:
        """Dense over sparse cycles; None when there are no cycles."""
        return self.cycles_dense / self.cycles if self.cycles else None

    @property
    def macs(self) -> int:
        """Multiply-accumulates with a nonzero weight."""
        return sum(layer.macs for layer in self.layers)

    @property
    def macs_dense(self) -> int:
        """Multiply-accumulates of the dense network."""
        return sum(layer.macs_dense for layer in self.layers)

    @property
    def utilization(self) -> float:
        """Kept multiply-accumulates per multiplier and clock over all layers, 0..1."""
        busy = sum(layer.utilization * layer.cycles for layer in self.layers)
        return busy / self.cycles if self.cycles else 0.0

    @property
    def clocks(self) -> Clocks:
        """Where each clock of the network went."""
        return sum((layer.clocks for layer in self.layers), Clocks())

    @property
    def weight_bits(self) -> WeightBits:
        """Bits of all compressed weights."""
        return sum((layer.weight_bits for layer in self.layers), WeightBits())

    @property
    def events(self) -> Events:
        """Events of all layers."""
        return sum((layer.events for layer in self.layers), Events())

    def to_json(self) -> dict[str, Any]:
        """The object of `summary.json`: plain dicts, lists, numbers and text."""
        return asdict(self) | {
            "hardware": asdict(self.hardware) | {"multipliers": self.hardware.multipliers},
            "layers": [layer.to_json() for layer in self.layers],
            "rtl": asdict(self.rtl) | {"agrees": self.rtl.agrees} if self.rtl else None,
            "machine": self.machine.to_json() if self.machine else None,
            "cycles": self.cycles,
            "cycles_dense": self.cycles_dense,
            "speedup": self.speedup,
            "utilization": self.utilization,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: object) -> Summary:
        """Inverse of `to_json`.

        Raises:
            InputError: a key is missing, unknown or of another type, or a number contradicts the others.
        """
        try:
            summary = TypeAdapter(cls).validate_python(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "top level"
            raise InputError(f"summary: {where}: {first['msg']}") from None
        if (path := _difference(summary.to_json(), data)) is not None:
            raise InputError(f"summary: {path}: unknown, of another type, or contradicts the other numbers")
        return summary


def _difference(expected: object, found: object, path: str = "") -> str | None:
    """The dotted path of the first place where two JSON values differ, None if they are equal."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected | found:
            inner = f"{path}.{key}".lstrip(".")
            if (key in expected) != (key in found):
                return inner
            if (difference := _difference(expected[key], found[key], inner)) is not None:
                return difference
        return None
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return next((where for i, (e, f) in pairs if (where := _difference(e, f, f"{path}.{i}")) is not None), None)
    return None if expected == found else path or "top level"
