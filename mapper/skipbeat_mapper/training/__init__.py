"""What a training step costs: its products are programs like any other, priced by the same timing model."""

from .training_step import PlannedStep, estimate_training

__all__ = ["PlannedStep", "estimate_training"]
