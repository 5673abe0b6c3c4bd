"""What tests of models share: a trained network, and hypothesis without a deadline (torch's first calls are slow)."""

from __future__ import annotations

import pytest
from hypothesis import settings
from torch import nn

from skipbeat_models.digits_data import DigitsData, load_data
from skipbeat_models.networks.digits_cnn import build_network
from skipbeat_models.recipes import DIGITS_CNN
from skipbeat_models.training import train_dense

settings.register_profile("torch", settings(), deadline=None)
settings.load_profile("torch")


@pytest.fixture(scope="session")
def trained_digits() -> tuple[nn.Sequential, DigitsData]:
    """The digits CNN, trained dense; tests change only copies of it."""
    data = load_data()
    model = build_network(0)
    train_dense(model, data, DIGITS_CNN)
    return model, data
