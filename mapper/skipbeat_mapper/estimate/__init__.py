"""What a model's layers cost on the machine: each becomes a program of its own, priced by the timing model."""

from .model import estimate_model

__all__ = ["estimate_model"]
