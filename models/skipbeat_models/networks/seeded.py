"""Weights from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..alone import alone


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch draws from `seed`; its global random state is what it was afterwards."""
    with alone(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
