"""Architectures of transformers as small folders, against a count of the products that their own modules compute."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from .architectures import ARCHITECTURES
from .counts import count_architecture

#: What is no matrix product, and is named beside those that are priced.
NAMED = {"FNetModel": ("aten._fft_c2c",)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_priced_as_it_computes(name: str, tmp_path: Path) -> None:
    for phase, counts in count_architecture(name, tmp_path).items():
        assert (counts.priced, counts.unpriced) == (counts.counted, NAMED.get(name, ())), phase


def test_the_page_of_counts_has_the_rows_that_are_kept() -> None:
    """If rows were added: run docs/counts.py."""
    counts: Any = import_module("docs.counts")
    kept = json.loads(counts.KEPT.read_text())
    assert list(kept) == [*ARCHITECTURES, *counts.convolutional()]
    assert counts.PAGE.read_text() == counts.page(kept)
    verdicts = [row["verdict"] for phases in kept.values() for row in phases.values()]
    assert {verdict for verdict in verdicts if "exact" not in verdict} == set()
