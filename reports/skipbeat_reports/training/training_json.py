"""The price of a training step as JSON: what `skipbeat train-estimate --json` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from skipbeat_arch.training_estimate import Clocks, RoleCost, StepCost, TrainedLayerCost, TrainingEstimate

from ..result import as_result
from . import training_figures as figures


def to_json(estimate: TrainingEstimate) -> dict[str, Any]:
    """What `skipbeat schema train-estimate` describes: plain dicts, lists, numbers and text.

    `total` is of the mean step, whose parts are in `steps`. `array` has the clocks of the programs alone, `overlapped`
    a bound with optimiser and host beside them, `in_turn` everything one after the other.
    """
    return as_result("train-estimate", _body(estimate), estimate.provenance)


def layer_rows(estimate: TrainingEstimate) -> list[dict[str, Any]]:
    """A row for each step, layer and role, of a table."""
    return [
        {"step": number, "share": step.share, "name": layer.name, "kind": layer.kind, "shape": layer.shape}
        | _role(cost)
        for number, step in enumerate(estimate.steps)
        for layer in step.layers
        for cost in layer.costs
    ]


def _body(estimate: TrainingEstimate) -> dict[str, Any]:
    return {
        "model": estimate.model,
        "hardware": estimate.hardware,
        "clock_mhz": estimate.clock_mhz,
        "clock_source": estimate.clock_source,
        "pes": estimate.pes,
        "effort": str(estimate.effort),
        "batch": estimate.batch,
        "training": str(estimate.training),
        "weights": estimate.weights,
        "steps": [_step(step) for step in estimate.steps],
        "total": {
            "array": _clocks(estimate.array),
            "overlapped": _clocks(estimate.overlapped),
            "in_turn": _clocks(estimate.in_turn),
            "speedup_limit": estimate.limit,
            "energy_pj": estimate.energy_pj,
            "energy_dense_pj": estimate.energy_dense_pj,
        },
        "published": {"speedup": figures.PUBLISHED, "source": figures.PUBLISHED_SOURCE},
        "energy_table": estimate.energy_table,
        "assumptions": list(estimate.assumptions),
    }


def _step(step: StepCost) -> dict[str, Any]:
    return {
        "share": step.share,
        "forward": step.forward,
        "backward": step.backward,
        "update": step.update,
        "speedup_limit": step.limit,
        "work_limit": step.work_limit,
        "overlapped": _clocks(step.overlapped),
        "roles": [_role(cost) for cost in figures.roles(step)],
        "layers": [_layer(layer) for layer in step.layers],
        "traffic": [{"what": each.what, "within": str(each.within)} | _role(each.cost) for each in step.traffic],
    }


def _layer(layer: TrainedLayerCost) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shape": layer.shape,
        "note": layer.note,
        "cycles": layer.cycles,
        "cycles_dense": layer.cycles_dense,
        "speedup": figures.speedup(layer.cycles, layer.cycles_dense),
        "roles": [_role(cost) for cost in layer.costs],
    }


def _role(cost: RoleCost) -> dict[str, Any]:
    return asdict(cost) | {"role": str(cost.role), "speedup": figures.speedup(cost.cycles, cost.cycles_dense)}


def _clocks(clocks: Clocks) -> dict[str, Any]:
    return {"cycles": clocks.cycles, "cycles_dense": clocks.dense, "speedup": clocks.speedup}
