"""Energy tables: published constants of one technology, and the rules that other widths and sizes follow.

A table is a YAML file. Each figure has an energy in pJ; its unit, technology and source are the table's unless it
names its own source. A figure of another technology is refused: levels are never mixed within a table.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PicoJoule = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bits = Annotated[int, Field(ge=1, le=4096)]

#: Sections with one figure, and with a list of them.
SINGLE = ("mac", "register", "multiplexer", "dram")
LISTS = ("multiply", "add", "sram")
INHERITED = ("unit", "technology", "source")


class Figure(BaseModel):
    """One published energy: pJ for an operation on, or an access of, `bits` bits.

    `leakage_uw` is the power that what does it leaks all the time, in µW; None if it is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bits: Bits
    energy: PicoJoule
    unit: Literal["pJ"]
    technology: str
    source: Annotated[str, Field(min_length=1)]
    leakage_uw: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Mac(Figure):
    """A multiply-accumulate with operands of `bits` bits; `gated`: the same unit in a clock without work."""

    gated: PicoJoule | None = None


class Multiplexer(Figure):
    """`inputs` to one, `bits` wide."""

    inputs: Annotated[int, Field(ge=2)]


class Sram(Figure):
    """An access of `bits` bits of a memory of `kib` KiB: `energy` is a read, `write` a write (None: the same)."""

    kib: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    write: PicoJoule | None = None


class EnergyTable(BaseModel):
    """A named table of one technology. A section that is left out has no figure: what needs it is not counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64)]
    technology: Annotated[str, Field(min_length=1)]
    unit: Literal["pJ"]
    source: Annotated[str, Field(min_length=1)]
    mac: Mac | None = None
    multiply: tuple[Figure, ...] = ()
    add: tuple[Figure, ...] = ()
    register_: Annotated[Figure | None, Field(alias="register")] = None
    multiplexer: Multiplexer | None = None
    sram: tuple[Sram, ...] = ()
    dram: Figure | None = None

    @model_validator(mode="before")
    @classmethod
    def _figures_inherit(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        common = {key: data[key] for key in INHERITED if key in data}
        full = dict(data)
        for key in SINGLE:
            if isinstance(data.get(key), dict):
                full[key] = common | data[key]
        for key in LISTS:
            if isinstance(data.get(key), list):
                full[key] = [common | figure if isinstance(figure, dict) else figure for figure in data[key]]
        return full

    @model_validator(mode="after")
    def _technology_is_one(self) -> EnergyTable:
        single = (self.mac, self.register_, self.multiplexer, self.dram)
        for figure in (*self.multiply, *self.add, *self.sram, *(figure for figure in single if figure)):
            if figure.technology != self.technology:
                raise ValueError(f"a figure of {figure.technology} in a table of {self.technology}; make a table each")
        sizes = [memory.kib for memory in self.sram]
        if len(set(sizes)) != len(sizes):
            raise ValueError("sram: two figures of one size")
        return self

    def multiply_energy(self, bits: int) -> float | None:
        """pJ of a product of two numbers of `bits` bits: the figure of that width or the nearest, times (ratio)².

        Without a multiplier the MAC's energy stands for it, which is an upper bound at its own width.
        """
        figures = self.multiply or ((self.mac,) if self.mac else ())
        nearest = _nearest(figures, bits)
        return None if nearest is None else nearest.energy * (bits / nearest.bits) ** 2

    def add_energy(self, bits: int) -> float | None:
        """pJ of a sum of `bits` bits: the figure of that width or the nearest, in proportion to the width."""
        nearest = _nearest(self.add, bits)
        return None if nearest is None else nearest.energy * bits / nearest.bits

    def mac_energy(self, bits: int, sum_bits: int) -> float | None:
        """pJ of a multiply-accumulate: the table's own figure, else product and sum."""
        if self.mac is not None:
            return self.mac.energy * (bits / self.mac.bits) ** 2
        product, total = self.multiply_energy(bits), self.add_energy(sum_bits)
        return None if product is None or total is None else product + total

    def idle_energy(self, sum_bits: int) -> float | None:
        """pJ of a PE's clock whose weight is zero: the gated MAC, else the adder that the sum passes through."""
        if self.mac is not None:
            return self.mac.gated if self.mac.gated is not None else self.mac.energy
        return self.add_energy(sum_bits)

    def register_energy(self, bits: int) -> float | None:
        """pJ of writing or reading `bits` bits of registers."""
        return None if self.register_ is None else self.register_.energy * bits / self.register_.bits

    def multiplexer_energy(self, inputs: int, bits: int) -> float | None:
        """pJ of choosing one of `inputs`, in proportion to inputs and width."""
        m = self.multiplexer
        return None if m is None else m.energy * (inputs / m.inputs) * (bits / m.bits)

    def logic_leakage(self, bits: int, sum_bits: int) -> float | None:
        """µW of a multiplier of `bits` bits and an adder of `sum_bits`, in the proportions of their energies."""
        product, total = _nearest(self.multiply, bits), _nearest(self.add, sum_bits)
        if product is None or total is None or product.leakage_uw is None or total.leakage_uw is None:
            return None
        return product.leakage_uw * (bits / product.bits) ** 2 + total.leakage_uw * sum_bits / total.bits

    def sram_leakage(self, kib: float) -> float | None:
        """µW of a memory of `kib` KiB: that of the table's nearest size, in proportion to the size."""
        known = [m for m in self.sram if m.leakage_uw is not None]
        nearest = min(known, key=lambda m: abs(math.log(kib / m.kib)), default=None)
        return None if nearest is None or nearest.leakage_uw is None else nearest.leakage_uw * kib / nearest.kib

    def sram_energy(self, kib: float, bits: int, *, write: bool = False) -> float | None:
        """pJ of an access of `bits` bits of a memory of `kib` KiB.

        Energy per bit is interpolated over the table's sizes, both logarithmic. Below the smallest size it is the
        smallest's; beyond the largest the last slope goes on.
        """
        if not self.sram:
            return None
        points = sorted((m.kib, (m.energy if m.write is None or not write else m.write) / m.bits) for m in self.sram)
        if kib <= points[0][0] or len(points) == 1:
            return points[0][1] * bits
        upper = min(bisect_left(points, (kib, 0.0)), len(points) - 1)
        (low, at_low), (high, at_high) = points[upper - 1], points[upper]
        if not (at_low and at_high):
            return max(at_low, at_high) * bits
        slope = math.log(at_high / at_low) / math.log(high / low)
        return float(at_low * (kib / low) ** slope) * bits

    def dram_energy(self, bits: int) -> float | None:
        """pJ of moving `bits` bits to or from DRAM."""
        return None if self.dram is None else self.dram.energy * bits / self.dram.bits


def _nearest(figures: tuple[Figure, ...], bits: int) -> Figure | None:
    return min(figures, key=lambda figure: abs(math.log(bits / figure.bits)), default=None)
