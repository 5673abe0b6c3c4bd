from __future__ import annotations

import pytest

from skipbeat_arch.estimate import Estimate
from tests.reports.estimate.estimates import hostile_estimate, make_estimate, many_layers


@pytest.fixture(scope="session")
def small() -> Estimate:
    return make_estimate()


@pytest.fixture(scope="session")
def many() -> Estimate:
    return make_estimate(many_layers())


@pytest.fixture(scope="session")
def hostile() -> Estimate:
    return hostile_estimate()
