"""What `skipbeat train` found, as JSON has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skipbeat_models.integer_training.delayed_scale import DelayedScale
    from skipbeat_models.integer_training.integer_trainer import IntegerTrainer, Stretch
    from skipbeat_models.integer_training.trained_layer import TrainedLayer


def training_report(trainer: IntegerTrainer, stretches: Sequence[Stretch]) -> dict[str, Any]:
    """The result of a training that has run; shares are in 0..1."""
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
