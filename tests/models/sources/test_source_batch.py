"""How many examples a source's layers are for."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from skipbeat_models.sources import from_module, load_source
from skipbeat_models.sources.batch import common_batch


def test_the_first_size_that_all_inputs_share() -> None:
    assert common_batch([(4, 3), (4,), ()]) == 4
    assert common_batch([(4, 3), (2, 3)]) == 1
    assert common_batch([]) == 1


def test_modules_and_exported_files_say_their_batch(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU()).eval()
    inputs = (torch.zeros(6, 8),)
    assert from_module(model, inputs, name="model").batch == 6
    torch.export.save(torch.export.export(model, inputs), tmp_path / "model.pt2")
    assert load_source(str(tmp_path / "model.pt2")).batch == 6


def test_the_zoo_takes_the_batch_that_it_is_told() -> None:
    assert load_source("zoo:digits-cnn").batch == 1
    assert load_source("zoo:digits-cnn", batch=3).batch == 3
