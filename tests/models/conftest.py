"""What tests of models share: a trained network, and hypothesis without a deadline (torch's first calls are slow)."""

from __future__ import annotations

import pytest
from hypothesis import settings
from torch import nn

from skipbeat_models.digits_data import DigitsData
from tests.trained_networks import TrainedNetworks

settings.register_profile("torch", settings(), deadline=None)
settings.load_profile("torch")


@pytest.fixture(scope="session")
def trained_digits(networks: TrainedNetworks) -> tuple[nn.Module, DigitsData]:
    """The digits CNN, trained dense; tests change only copies of it."""
    trained = networks.trained("zoo:digits-cnn", "dense")
    return trained.model, trained.data
