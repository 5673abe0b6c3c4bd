"""The area of hardware that was not synthesised: fitted to recorded syntheses, with the error that it had on each.

Cells of a resource are a sum of terms that follow from what is built, such as one for each PE or for each output lane.
Coefficients are those with the least squares of relative errors. The error is that of leaving one out: each recorded
machine is predicted by a fit to all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from .arrays import FloatArray
from .clock_table import AREA_TABLE, WHOLE, measurements
from .depths import FETCH_QUEUE
from .errors import InputError
from .hardware import Hardware, load_hardware
from .instruction import INSTRUCTION_BYTES
from .iso import cells, measured_areas
from .machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine

DEVICE = "LFE5U-85F-6"
#: What is predicted.
RESOURCES = ("lut", "dsp", "bram")

#: Shapes of one block memory of ECP5: bits of an entry, entries.
_BLOCK = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
#: Memories of so few entries are made of look-up tables.
_FEW = 32

_Terms = Mapping[str, Callable[[Machine], float]]
_TERMS: Mapping[str, _Terms] = {
    "lut": {
        "engines, buses and registers": lambda m: 1,
        "a column's sums, and a byte of a vector": lambda m: m.vector,
        "a column's unpacking": lambda m: m.vector * (m.hw.array.group > 1),
        "a row's addresses": lambda m: m.hw.array.rows,
        "an element of a row's bundle": lambda m: m.hw.array.rows * m.hw.array.group,
        "a PE's sum": lambda m: m.hw.pes,
        "a PE's choice, for each element but one": lambda m: m.hw.pes * (m.hw.array.group - 1),
        "a lane of the output stage": lambda m: m.hw.outputs.lanes,
    },
    "dsp": {"a PE": lambda m: m.hw.pes, "a lane of the output stage": lambda m: m.hw.outputs.lanes},
    "bram": {"blocks of the memories": lambda m: sum(_blocks(bits, depth) * n for n, bits, depth in _memories(m))},
}


@dataclass(frozen=True, kw_only=True)
class AreaFit:
    """A model of one resource.

    Attributes:
        coefficients: cells for each of a term, by its name.
        rows: recorded machines that it was fitted to.
        error: leaving one out, the mean of the relative errors. worst: the largest.
    """

    coefficients: Mapping[str, float]
    rows: int
    error: float
    worst: float


@dataclass(frozen=True, kw_only=True)
class Area:
    """Cells of a machine on `DEVICE` by `RESOURCES`; `measured` if it was synthesised itself."""

    cells: Mapping[str, int]
    measured: bool


def area_of(hw: Hardware) -> Area:
    """The area of a machine: what was recorded of it, or else what the model says.

    Raises:
        InputError: it has no accelerator, or one that trains, which the model does not know, that was not recorded.
    """
    machine = Machine.of(hw)
    if DEVICE in (found := measured_areas(hw)):
        return Area(cells={name: found[DEVICE][name] for name in RESOURCES}, measured=True)
    for extra in ("gradients", "turn"):
        if getattr(hw.outputs, extra):
            raise InputError(f"hardware {hw.name}: no area is known with outputs.{extra}; expected false")
    fits = area_fits()
    return Area(cells={name: round(_predicted(machine, name, fits[name])) for name in RESOURCES}, measured=False)


@cache
def area_fits() -> dict[str, AreaFit]:
    """The model of each resource."""
    rows = [row for row in measurements(AREA_TABLE) if row.top == WHOLE and row.device == DEVICE]
    machines = [(Machine.of(load_hardware(row.preset, row.overrides)), cells(DEVICE, row.area)) for row in rows]
    return {
        name: fit(
            np.array([[term(machine) for term in terms.values()] for machine, _ in machines], np.float64),
            np.array([area[name] for _, area in machines], np.float64),
            tuple(terms),
        )
        for name, terms in _TERMS.items()
    }


def fit(terms: FloatArray, counts: FloatArray, names: tuple[str, ...]) -> AreaFit:
    """Least squares of relative errors, and those of leaving each row out.

    Args:
        terms: float64 [rows, terms]. counts: float64 [rows], cells; names: of the terms.
    """
    weighted = terms / counts[:, None]
    ones = np.ones(len(counts))

    def solved(kept: FloatArray) -> FloatArray:
        return np.linalg.lstsq(weighted * kept[:, None], ones * kept, rcond=None)[0].astype(np.float64)

    errors = np.array([abs(weighted[row] @ solved(1.0 - np.eye(len(ones))[row]) - 1) for row in range(len(ones))])
    return AreaFit(
        coefficients=dict(zip(names, solved(ones).tolist(), strict=True)),
        rows=len(ones),
        error=float(errors.mean()),
        worst=float(errors.max()),
    )


def _predicted(machine: Machine, resource: str, found: AreaFit) -> float:
    terms = _TERMS[resource]
    return sum(found.coefficients[name] * terms[name](machine) for name in terms)


def _blocks(bits: int, depth: int) -> int:
    """Block memories of a memory."""
    if depth <= _FEW:
        return 0
    return min(-(-bits // wide) * -(-depth // deep) for wide, deep in _BLOCK)


def _memories(machine: Machine) -> tuple[tuple[int, int, int], ...]:
    """How many of each memory, bits of an entry, and entries."""
    hw, vector = machine.hw, 8 * machine.vector
    sums = hw.numbers.accumulator_bits
    return (
        (1, vector, machine.weight_depth),
        (1, vector, PARAMETER_BLOCKS * PARAMETER_PITCH),
        (1, vector, machine.residual_depth),
        (1, machine.table_vectors * vector, TABLE_ENTRIES),
        (1, vector, 2 * machine.output_depth),
        (hw.array.rows, hw.numbers.activation_bits * hw.array.group, machine.bank_depth),
        (hw.array.cols, sums, hw.accumulators.depth),
        (hw.array.cols, sums, hw.result_depth),
        (1, 8 * INSTRUCTION_BYTES, FETCH_QUEUE),
    )
