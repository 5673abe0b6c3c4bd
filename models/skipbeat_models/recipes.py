"""How the networks that classify the digits are trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Epochs and highest learning rates of training (`train_*`) and of fine-tuning to a pattern (`tune_*`)."""

    train_epochs: int
    train_rate: float
    tune_epochs: int
    tune_rate: float


DIGITS_CNN = Recipe(train_epochs=8, train_rate=6e-3, tune_epochs=4, tune_rate=4e-3)
TINY_RESNET = Recipe(train_epochs=5, train_rate=8e-3, tune_epochs=3, tune_rate=4e-3)
