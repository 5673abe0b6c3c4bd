"""What a model's layers cost on the machine: each becomes a program of its own, priced by the timing model."""

from .activations import activation_bounds, check_layers
from .model import estimate_model

__all__ = ["activation_bounds", "check_layers", "estimate_model"]
