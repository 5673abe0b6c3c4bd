"""What tests of several parts share."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.trained_networks import TrainedNetworks


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """What a test draws from torch's global generator does not depend on the tests before it."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> TrainedNetworks:
    """Trained networks, each trained once; the workers of pytest-xdist have folders in that of the run."""
    from tests.trained_networks import TrainedNetworks  # torch takes a second that other tests need not wait

    folder = tmp_path_factory.getbasetemp()
    return TrainedNetworks(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)
