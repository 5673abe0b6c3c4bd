"""What tests of several parts share."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.trained_networks import TrainedNetworks


# The processes of the tests and those that they start have a cache of their own, not the user's.
os.environ.setdefault("SKIPBEAT_CACHE", str(Path(__file__).parents[1] / "build" / "cache"))

# Commands that tests interrupt do not ignore that, though whoever runs the tests may, as nohup and background jobs do.
for _each, _how in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_each) is signal.SIG_IGN:
        signal.signal(_each, _how)

# How long an example takes depends on what else the machine does.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cache that has nothing yet, for one test."""
    monkeypatch.setenv("SKIPBEAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """What a test draws from torch's global generator does not depend on the tests before it."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def networks() -> TrainedNetworks:
    """Trained networks, each trained once."""
    from tests.trained_networks import TrainedNetworks  # torch takes a second that other tests need not wait

    return TrainedNetworks()


@pytest.fixture
def trained_before(networks: TrainedNetworks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find their networks trained; that training again gives the same, tests/models/test_prepare.py says."""
    monkeypatch.setattr("skipbeat_models.prepare.train_network", networks.instead)
    monkeypatch.setattr("skipbeat_models.trained.train_network", networks.instead)
