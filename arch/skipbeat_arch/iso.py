"""A machine beside a dense one of the same resources: what its sparsity hardware buys per clock, second and cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .clock_source import ASSUMED, clock_source
from .clock_table import AREA_TABLE, WHOLE, measurements
from .errors import InputError
from .hardware import Array, Hardware, load_hardware, preset_names

#: Look-up tables that a cell stands in the place of, by device: two for ECP5's CCU2C and four for its TRELLIS_DPR16X4,
#: eight for UltraScale+'s RAM32M16, whose carry cells are no LUTs.
_LUTS = {"LFE5U-85F-6": {"lut": 1, "carry": 2, "lutram": 4}, "UltraScale+": {"lut": 1, "lutram": 8}}
#: Cells of one kind that a budget is made of; LUTs are counted by `_LUTS`.
RESOURCES = ("lut", "ff", "dsp", "bram")


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One of the two machines and what a model takes on it.

    Attributes:
        clock_source: as `Estimate.clock_source`.
        areas: cells by `RESOURCES`, by device; a device for which it was not synthesised is missing.
    """

    name: str
    cycles: int
    clock_mhz: float
    clock_source: str
    areas: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, kw_only=True)
class IsoComparison:
    """A machine and the dense one of its budget. Each quotient is above 1 where the first is better."""

    machine: Contender
    dense: Contender

    @property
    def per_clock(self) -> float:
        """Clocks of the dense machine per clock of this one."""
        return self.dense.cycles / self.machine.cycles

    @property
    def per_second(self) -> float | None:
        """The same in seconds, each at its own measured clock; None unless both were measured."""
        if ASSUMED in (self.machine.clock_source, self.dense.clock_source):
            return None
        return self.per_clock * self.machine.clock_mhz / self.dense.clock_mhz

    @property
    def devices(self) -> tuple[str, ...]:
        """Those for which both were synthesised."""
        return tuple(device for device in self.machine.areas if device in self.dense.areas)

    def area(self, device: str, resource: str) -> float:
        """Cells of this machine per cell of the dense one."""
        return self.machine.areas[device][resource] / max(1, self.dense.areas[device][resource])

    def per_area(self, device: str, resource: str) -> float:
        """Speed-up divided by what it costs in cells of a kind: per second if the clocks are known, else per clock."""
        return (self.per_second or self.per_clock) / self.area(device, resource)

    def fits(self, device: str) -> bool:
        """Whether the dense machine is within the other's LUTs, DSP blocks and block memories."""
        return all(self.area(device, resource) >= 1 for resource in ("lut", "dsp", "bram"))


def dense_counterpart(hw: Hardware) -> Hardware:
    """The dense machine of the same sizes: a preset's if there is one, with its clock.

    A PE has one multiplier with or without sparsity hardware, and sizes are powers of two: where multipliers are the
    budget, there is no larger dense one within it.

    Raises:
        InputError: it is dense itself, or too small for one (array.cols above array.rows).
    """
    if hw.is_dense:
        raise InputError(f"hardware {hw.name}: expected sparsity hardware to compare with none, not array.group=1")
    if hw.array.cols > hw.array.rows:
        raise InputError(
            f"hardware {hw.name}: a dense machine of its sizes needs array.cols <= array.rows, not {hw.array.cols}"
        )
    changes = {
        "name": f"{hw.name[:58]}-dense",
        "array": Array(rows=hw.array.rows, cols=hw.array.cols, group=1),
        "weights": hw.weights.model_copy(update={"decode_lanes": 1}),
    }
    dense = hw.model_copy(update=changes)
    presets = (load_hardware(name) for name in preset_names())
    return next((preset for preset in presets if preset.sizes == dense.sizes), dense)


def contender(hw: Hardware, cycles: int) -> Contender:
    """A machine with what was measured of it."""
    return Contender(
        name=hw.name, cycles=cycles, clock_mhz=hw.clock_mhz, clock_source=clock_source(hw), areas=measured_areas(hw)
    )


def measured_areas(hw: Hardware) -> dict[str, dict[str, int]]:
    """Cells of the whole machine by device and `RESOURCES`, as far as the tables of measurements have them."""
    return {
        row.device: cells(row.device, row.area)
        for row in (*measurements(AREA_TABLE), *measurements())
        if row.top == WHOLE and row.area and load_hardware(row.preset, row.overrides).sizes == hw.sizes
    }


def cells(device: str, area: Mapping[str, int]) -> dict[str, int]:
    """Cells by `RESOURCES`, of cells by kind as a synthesis for the device counts them."""
    luts = sum(area[cell] * count for cell, count in _LUTS[device].items())
    return {**{name: area[name] for name in RESOURCES}, "lut": luts}
