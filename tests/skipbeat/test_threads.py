"""The API in several threads: the same answers as one after another, and nothing of the process is left changed."""

from __future__ import annotations

import logging
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

import skipbeat
from skipbeat.commands.estimate import DEFAULT_TABLE
from skipbeat.estimation import estimate_source
from skipbeat_arch.hardware import load_hardware
from skipbeat_models.scheme import Scheme


def model(width: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 36, 10))


def shared_state() -> tuple[object, ...]:
    level = logging.getLogger("torch").level
    return sys.stdout, sys.stderr, level, list(warnings.filters), torch.get_rng_state().tolist()


def test_estimates_in_threads_are_those_of_one_thread() -> None:
    def cycles(width: int) -> int:
        inputs = torch.zeros(1, 4, 8, 8)
        return skipbeat.estimate(model(width), inputs, "tiny-4x4", prune="2:4").cycles

    widths = [4, 8, 12, 16] * 2
    torch.manual_seed(1)
    alone = [cycles(width) for width in widths]
    before = shared_state()[:4]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(cycles, widths)) == alone
    assert shared_state()[:4] == before


def test_networks_of_the_zoo_are_drawn_alike_in_threads() -> None:
    hardware, scheme = load_hardware("tiny-4x4"), Scheme.parse("unstructured:0.5")

    def cycles(_: int) -> int:
        found = estimate_source(
            "zoo:vit-tiny", hardware, table=DEFAULT_TABLE, scheme=scheme, progress=lambda message: None
        )
        return found.cycles

    before = shared_state()
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(cycles, range(4)))) == 1
    assert shared_state() == before
