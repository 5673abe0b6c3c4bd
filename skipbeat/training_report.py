"""What `skipbeat train` found, as JSON has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skipbeat_models.integer_training.delayed_scale import DelayedScale
    from skipbeat_models.integer_training.integer_trainer import IntegerTrainer, Stretch
    from skipbeat_models.integer_training.trained_layer import TrainedLayer
    from skipbeat_verify.machine_products import ProductRun
    from skipbeat_verify.machine_simulation import Counts, ProgramRun
    from skipbeat_verify.training_simulation import TrainingSimulation


def training_report(
    trainer: IntegerTrainer, stretches: Sequence[Stretch], simulation: TrainingSimulation | None = None
) -> dict[str, Any]:
    """The result of a training that has run; shares are in 0..1. `simulation`: if programs made its products."""
    plan, patterns, last = trainer.plan, trainer.patterns, stretches[-1]
    return {
        "forward": str(patterns.forward),
        "backward": str(patterns.backward),
        "update": str(patterns.update),
        "seed": plan.seed,
        "steps": plan.steps,
        "batch": plan.batch,
        "padded_images": trainer.padded_images,
        "loss": last.loss,
        "accuracy": last.accuracy,
        "test_images": len(trainer.data.test_labels),
        "stretches": [{"steps": each.steps, "loss": each.loss, "accuracy": each.accuracy} for each in stretches],
        "layers": [_layer(layer) for layer in trainer.graph.layers],
        "host_operators": trainer.graph.host_operators,
        "machine": None if simulation is None else _machine(simulation, plan.steps),
    }


def _machine(simulation: TrainingSimulation, steps: int) -> dict[str, Any]:
    """What the programs of all steps did, and the bytes that the host moves in one step in place of modules."""
    products = simulation.products
    rows = dict.fromkeys((each.layer, each.role) for each in products.runs)
    return {
        "agrees": simulation.agrees,
        "sums_exact": products.exact and all(each.run.bit_exact for each in products.runs),
        "training_exact": simulation.exact,
        **_cycles(products.runs),
        "products": [
            {"layer": layer, "product": str(role)}
            | _cycles([each for each in products.runs if (each.layer, each.role) == (layer, role)])
            for layer, role in rows
        ],
        "host_bytes": {str(task): moved // steps for task, moved in products.host.items()},
    }


def _cycles(runs: Sequence[ProductRun]) -> dict[str, Any]:
    def total(counts: Callable[[ProgramRun], Counts | None]) -> int | None:
        found = [each for run in runs if (each := counts(run.run)) is not None]
        return sum(each.cycles for each in found) if found else None

    return {
        "programs": len(runs),
        "rtl_cycles": total(lambda run: run.rtl),
        "model_cycles": total(lambda run: run.model),
        "timing_cycles": total(lambda run: run.timing),
    }


def _layer(layer: TrainedLayer) -> dict[str, Any]:
    matrix = layer.matrix
    return {
        "name": layer.name,
        "forward": str(matrix.patterns.forward),
        "backward": str(matrix.patterns.backward),
        "update": str(matrix.patterns.update),
        "kept_forward": float(matrix.ahead.mask.mean()),
        "kept_backward": float(matrix.back.mask.mean()),
        "clipped_activations": _clipped(layer.ahead),
        "clipped_gradients": _clipped(layer.back),
    }


def _clipped(store: DelayedScale) -> float | None:
    return store.clipped / store.stored if store.stored else None
