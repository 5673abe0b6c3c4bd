"""What tests of models share: a trained network."""

from __future__ import annotations

import pytest
from torch import nn

from skipbeat_models.digits_data import DigitsData
from tests.trained_networks import TrainedNetworks


@pytest.fixture(scope="session")
def trained_digits(networks: TrainedNetworks) -> tuple[nn.Module, DigitsData]:
    """The digits CNN, trained dense; tests change only copies of it."""
    trained = networks.trained("zoo:digits-cnn", "dense")
    return trained.model, trained.data
