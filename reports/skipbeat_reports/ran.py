"""What ran beside an estimate: a trained network, on RTL, cycle model and timing model, layer by layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class MachineLayer:
    """A layer of the program's one run, for all its images.

    Attributes:
        rtl_cycles, model_cycles, timing_cycles: from the last output of the layer before to its own last output.
        steps: steps of the array, the least that the core needs.
        bound: what needs the most clocks for it; bound_clocks: how many.
    """

    name: str
    rtl_cycles: int
    model_cycles: int
    timing_cycles: int
    steps: int
    bound: str
    bound_clocks: int


@dataclass(frozen=True, kw_only=True)
class MachineCheck:
    """A network on the machine, from memory to memory.

    Attributes:
        images: that one run of the program computes.
        bit_exact: every output bit is the integer oracle's.
        counters_agree: all performance counters are what both models say, and each came to the program's end.
        counters: of the RTL, by name.
        clocks_per_second: of the RTL's simulation.
    """

    images: int
    bit_exact: bool
    counters_agree: bool
    rtl_cycles: int
    model_cycles: int
    timing_cycles: int
    counters: dict[str, int]
    clocks_per_second: float
    layers: tuple[MachineLayer, ...]

    @property
    def agrees(self) -> bool:
        """Bits, counters, cycles and those of each layer are equal at all levels."""
        cycles = [(self.rtl_cycles, self.model_cycles, self.timing_cycles)]
        cycles += [(layer.rtl_cycles, layer.model_cycles, layer.timing_cycles) for layer in self.layers]
        return self.bit_exact and self.counters_agree and all(len(set(levels)) == 1 for levels in cycles)

    @property
    def core_speed(self) -> float:
        """Steps of the array per clock: 1 if the memory and everything around the core never made it wait."""
        return sum(layer.steps for layer in self.layers) / self.rtl_cycles if self.rtl_cycles else 0.0

    def to_json(self) -> dict[str, Any]:
        """Its object in `summary.json`."""
        return asdict(self) | {
            "layers": [asdict(layer) for layer in self.layers],
            "agrees": self.agrees,
            "core_speed": self.core_speed,
        }


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Share of `test_images` classified correctly, each 0..1.

    Raises:
        ValueError: a share beyond 0..1, or no image.
    """

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
class Ran:
    """A network that was trained, pruned, quantised and run.

    Attributes:
        data: what it was trained and tested on, for people.
        pattern: that was asked for.
        machine: how its program ran, for as many images as the estimate's batch.
        seed: of every random choice.
        versions: of the software, by name.
    """

    data: str
    pattern: str
    accuracy: Accuracy
    machine: MachineCheck
    seed: int
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object `ran` of `summary.json`."""
        return asdict(self) | {"machine": self.machine.to_json()}
