"""What a model's layers cost on the machine: each becomes a program of its own, priced by the timing model."""

from .layers import LayerPrice, LayerPricer, price_layer
from .model import estimate_model

__all__ = ["LayerPrice", "LayerPricer", "estimate_model", "price_layer"]
