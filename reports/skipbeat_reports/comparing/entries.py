"""Results as they are compared: rows of clocks, bytes and energy, whatever they are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..schemas.estimated import EstimateResult, LayerRecord
from ..schemas.trained import RoleRecord, StepRecord, TrainEstimateResult
from ..table_file import Cell, flat

#: What is compared of a provenance; the command says what these say, and more.
_FACTS = ("version", "seed", "scheme", "source")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A layer, or of a training step what a layer's pass costs, or a line of optimiser and host.

    Attributes:
        clocks: by what the array did; empty where it is not known. read, written: bytes over the memory bus.
        facts: what else a reader may want to see a change of.
    """

    name: str
    cycles: int
    clocks: Mapping[str, int]
    read: int
    written: int
    energy_pj: float
    facts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A result with the name that it has in the comparison.

    Attributes:
        cycles: of all rows. settings: what it was made with.
    """

    label: str
    model: str
    hardware: str
    clock_mhz: float
    clock_source: str
    cycles: int
    energy_pj: float
    rows: tuple[Row, ...]
    settings: Mapping[str, Cell]

    @property
    def latency_ms(self) -> float:
        """Of all clocks."""
        return self.cycles / (1000 * self.clock_mhz)

    def row(self, name: str) -> Row | None:
        """The row of that name, if it has one."""
        return next((row for row in self.rows if row.name == name), None)


def entry_of(label: str, result: EstimateResult | TrainEstimateResult) -> Entry:
    """A result as it is compared; of a training step programs, optimiser and host come one after the other."""
    if isinstance(result, EstimateResult):
        rows = tuple(map(_layer, result.layers))
        cycles, energy = result.total.cycles, 1e6 * result.total.energy_uj
        own: dict[str, Any] = {}
    else:
        rows = _mean(result)
        cycles, energy = sum(row.cycles for row in rows), result.total.energy_pj
        steps = [step.model_dump(include={"share", "forward", "backward", "update"}) for step in result.steps]
        own = {"training": result.training, "steps": steps}
    return Entry(
        label=label,
        model=result.model,
        hardware=result.hardware,
        clock_mhz=result.clock_mhz,
        clock_source=result.clock_source,
        cycles=cycles,
        energy_pj=energy,
        rows=rows,
        settings=_made_with(result, own),
    )


def _layer(layer: LayerRecord) -> Row:
    return Row(
        name=layer.name,
        cycles=layer.cycles,
        clocks=layer.clocks,
        read=layer.dram_read_bytes,
        written=layer.dram_written_bytes,
        energy_pj=layer.energy_pj,
        facts={what: str(getattr(layer, what)) for what in ("shape", "pattern", "bound")},
    )


def _mean(result: TrainEstimateResult) -> tuple[Row, ...]:
    """The rows of the mean step; a row that several steps have is their mean, and its pattern that of each."""
    found: dict[str, Row] = {}
    for step in result.steps:
        for row in _rows(step):
            known = found.get(row.name)
            found[row.name] = row if known is None else _joined(known, row)
    return tuple(found.values())


def _rows(step: StepRecord) -> Iterator[Row]:
    """Every pass of every layer, and the lines of optimiser and host, by their share of all steps."""

    def row(name: str, cost: RoleRecord, facts: Mapping[str, str]) -> Row:
        return Row(
            name=name,
            cycles=round(step.share * cost.cycles),
            clocks={},
            read=round(step.share * cost.read_bytes),
            written=round(step.share * cost.written_bytes),
            energy_pj=step.share * cost.energy_pj,
            facts=facts,
        )

    for layer in step.layers:
        for cost in layer.roles:
            yield row(f"{layer.name}, {cost.role}", cost, {"shape": layer.shape, "pattern": cost.pattern})
    for line in step.traffic:
        yield row(f"{line.role}: {line.what}", line, {})


def _joined(row: Row, other: Row) -> Row:
    facts = {
        what: said if other.facts.get(what) in (said, None) else f"{said}, {other.facts[what]}"
        for what, said in row.facts.items()
    }
    return replace(
        row,
        cycles=row.cycles + other.cycles,
        read=row.read + other.read,
        written=row.written + other.written,
        energy_pj=row.energy_pj + other.energy_pj,
        facts=facts,
    )


def _made_with(result: EstimateResult | TrainEstimateResult, own: Mapping[str, Any]) -> dict[str, Cell]:
    known = {"clock_source": result.clock_source, "batch": result.batch, "table": result.energy_table, **own}
    made = result.provenance
    if made is None:
        return flat({"hardware": {"name": result.hardware, "clock_mhz": result.clock_mhz}, **known})
    facts = made.model_dump(mode="json", include=set(_FACTS))
    described = {} if made.hardware is None else made.hardware.description.model_dump(mode="json")
    return flat({"hardware": described, **known, **facts})
