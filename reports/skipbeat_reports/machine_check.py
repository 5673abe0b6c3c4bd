"""How the whole machine ran a network: RTL, cycle model and timing model, layer by layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
