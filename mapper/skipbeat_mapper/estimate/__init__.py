"""What a model's layers cost on the machine: each becomes a program of its own, priced by the timing model."""

from .activations import activation_bounds, check_layers
from .kept_prices import KeptPrices, shared_prices
from .model import estimate_model

__all__ = ["KeptPrices", "activation_bounds", "check_layers", "estimate_model", "shared_prices"]
