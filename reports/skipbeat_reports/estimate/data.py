"""An estimate as JSON: what `skipbeat estimate --json` prints."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from skipbeat_arch.arguments import expect
from skipbeat_arch.estimate import Estimate, LayerEstimate, Schedule
from skipbeat_arch.iso import RESOURCES, IsoComparison
from skipbeat_arch.model import KeptMagnitude

from ..result import as_result
from . import figures


def to_json(estimate: Estimate) -> dict[str, Any]:
    """What `skipbeat schema estimate` describes: plain dicts, lists, numbers and text.

    A limit that is infinite, or a quotient without divisor, is None.
    `unpriced` has products, and what may be one, that no number has, with their share of the stored elements.
    `layers` has pooling and additions that are no layers of the model too; their `layer` is false. `total.cycles` is of
    the programs as they run, `cycles_layers` without these, `cycles_with_host` with the host at its stated rate.
    `total.speedup_limit` is Amdahl's, each layer at its own limit; `total.speedup_limits` has the other one too.
    `kept` has sums of the magnitudes of weights: of all, and of those that pruning keeps if channels have their own
    order and if they are permuted; None unless they were.
    `activations` has for each layer whose activations were measured (products, clocks, energy) as it is, and what is
    left at least if zeros are skipped, or multipliers gated.
    """
    expect("estimate", estimate, Estimate, "what `skipbeat.estimate` returns")
    return as_result("estimate", _body(estimate), estimate.provenance)


def layer_rows(estimate: Estimate) -> list[dict[str, Any]]:
    """`layers` of the JSON without the schedules, as rows of a table."""
    rows = (_layer(layer, estimate.pes) for layer in estimate.layers)
    return [{key: value for key, value in row.items() if key != "schedule"} for row in rows]


def _body(estimate: Estimate) -> dict[str, Any]:
    return {
        "model": estimate.model,
        "hardware": estimate.hardware,
        "clock_mhz": estimate.clock_mhz,
        "clock_source": estimate.clock_source,
        "pes": estimate.pes,
        "effort": str(estimate.effort),
        "batch": estimate.batch,
        "unpriced": [asdict(each) for each in estimate.unpriced],
        "layers": [_layer(layer, estimate.pes) for layer in estimate.layers],
        "runs": [
            {
                "cycles": run.cycles,
                "repeats": run.repeats,
                "kept": run.kept,
                "layers": [name for name, _, _ in run.spans],
            }
            for run in estimate.runs
        ],
        "host_ops": [
            {"name": name, "operator": operator, "elements": elements, "count": count, "fused": fused}
            for name, operator, elements, count, fused in estimate.host_operators
        ],
        "host": asdict(estimate.host)
        | {"cycles": estimate.host.cycles, "balanced_rate": figures.balanced_rate(estimate)},
        "total": _total(estimate),
        "references": [asdict(reference) for reference in estimate.references],
        "energy_table": estimate.energy_table,
        "dram": asdict(estimate.dram),
        "assumptions": list(estimate.assumptions),
        "iso": None if estimate.iso is None else _iso(estimate.iso),
        "activations": [asdict(each) for each in estimate.activations],
    }


def _iso(iso: IsoComparison) -> dict[str, Any]:
    return {
        "machine": asdict(iso.machine),
        "dense": asdict(iso.dense),
        "per_clock": iso.per_clock,
        "per_second": iso.per_second,
        "per_area": {
            device: {resource: iso.per_area(device, resource) for resource in RESOURCES} for device in iso.devices
        },
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _layer(layer: LayerEstimate, pes: int) -> dict[str, Any]:
    cost = layer.cost
    return {
        "name": layer.name,
        "kind": str(layer.kind),
        "layer": layer.layer,
        "shape": layer.shape,
        "pattern": layer.pattern,
        "density": layer.density,
        "macs": layer.macs,
        "macs_dense": layer.macs_dense,
        "cycles": cost.cycles,
        "cycles_dense": layer.cycles_dense,
        "speedup": figures.speedup(layer),
        "speedup_limit": _finite(layer.speedup_limit),
        "utilization": figures.utilization(layer, pes),
        "bound": str(cost.bound),
        "dram_bytes": figures.dram_bytes(layer),
        "dram_read_bytes": cost.machine.read_bytes,
        "dram_written_bytes": cost.machine.written_bytes,
        "weight_bits": {"values": cost.value_bits, "metadata": cost.metadata_bits},
        "energy_pj": figures.energy_pj(layer),
        "energy_dense_pj": layer.energy_dense_pj,
        "energy_by_component": dict(layer.energy_pj),
        "clocks": {cause.name.lower(): cost.clocks.get(cause, 0) for cause in figures.CAUSES},
        "events": cost.events.to_json() | {f"machine_{name}": n for name, n in asdict(cost.machine).items()},
        "kept": _kept(layer.kept),
        "schedule": _schedule(cost.schedule),
    }


def _kept(kept: KeptMagnitude | None) -> dict[str, float] | None:
    return None if kept is None else asdict(kept)


def _schedule(schedule: Schedule) -> dict[str, Any]:
    runner_up = schedule.runner_up
    return {
        "order": list(schedule.order),
        "places": list(schedule.places),
        "walks": list(schedule.walks),
        "encodings": dict(schedule.encodings),
        "bounds": {str(bound): clocks for bound, clocks in schedule.bounds.items()},
        "runner_up": dict(zip(("what", "cycles", "cycles_chosen"), runner_up, strict=True)) if runner_up else None,
        "notes": list(schedule.notes),
    }


def _total(estimate: Estimate) -> dict[str, Any]:
    layers = estimate.layers
    return {
        "macs": estimate.macs,
        "macs_dense": estimate.macs_dense,
        "cycles": estimate.cycles,
        "cycles_layers": estimate.layer_cycles,
        "cycles_with_host": estimate.host_cycles,
        "cycles_dense": estimate.cycles_dense,
        "speedup": figures.speedup(estimate),
        "speedup_limit": _finite(figures.amdahl_limit(estimate)),
        "speedup_limits": {
            "work_skipped": _finite(figures.work_limit(estimate)),
            "amdahl": _finite(figures.amdahl_limit(estimate)),
        },
        "utilization": estimate.utilization,
        "latency_ms": figures.latency_ms(estimate),
        "throughput_per_s": figures.throughput_per_s(estimate),
        "dram_bytes": figures.total_dram_bytes(estimate),
        "weight_bits": {
            "values": sum(layer.cost.value_bits for layer in layers),
            "metadata": sum(layer.cost.metadata_bits for layer in layers),
        },
        "kept": _kept(figures.kept(estimate)),
        "energy_uj": estimate.energy_uj,
        "energy_dense_uj": sum(layer.energy_dense_pj for layer in layers) / 1e6,
        "energy_by_component": figures.energy_by_component(layers),
        "clocks": {cause.name.lower(): clocks for cause, clocks in figures.clocks_by_cause(layers).items()},
    }
