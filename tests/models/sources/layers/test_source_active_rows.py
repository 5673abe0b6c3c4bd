"""Contextual sparsity: layers of one token compute a share of their rows; others, and what cannot be, are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.model import ModelDescription
from skipbeat_mapper.estimate import estimate_model
from skipbeat_models.sources.layers.active_rows import ActiveRows
from skipbeat_models.sources.nodes.fewer_rows import with_active_rows
from tests.models.sources.described import describe


def gated(rows: int = 1) -> ModelDescription:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(16, 40, bias=False), nn.SiLU(), nn.Linear(40, 16, bias=False))
    return describe(layers.eval(), torch.ones(rows, 16))


def test_a_share_of_rows_is_priced_beside_all_of_them() -> None:
    plain = gated()
    found = with_active_rows(plain, ActiveRows.read("0=0.25"))
    (layer, other), (whole, _) = found.layers, plain.layers
    assert (layer.shape, layer.density) == ("40x16 on 1, 10 of 40 rows", whole.density / 4)
    assert layer.macs_dense == 640
    assert other is plain.layers[1]
    expected = whole.parts[0].weight.nonzero()[:, ::4]
    np.testing.assert_array_equal(layer.parts[0].weight.nonzero(), expected)
    assert "evenly spread and the same for all sequences" in found.notes[-1]

    hardware = load_hardware("tiny-4x4")
    before, after = (estimate_model(each, hardware) for each in (plain, found))
    assert (after.layers[0].macs, after.layers[0].macs_dense) == (int(expected.sum()), 640)
    assert after.layers[0].cost.cycles < before.layers[0].cost.cycles == after.layers[0].cycles_dense
    assert after.layers[0].cost.machine.read_bytes < before.layers[0].cost.machine.read_bytes
    assert after.layers[1].cost.cycles == before.layers[1].cost.cycles


def test_a_file_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"up": 0.5, "layers.1.up": 0.25}')
    rows = ActiveRows.read(str(tmp_path / "rows.json"))
    assert [rows.share(f"layers.{layer}.up") for layer in (0, 1)] == [0.5, 0.25]
    assert rows.share("down") is None


@pytest.mark.parametrize("given", ["", "up", "up=0", "up=2", "=0.5", "up=nan", "up=a"])
def test_what_is_no_share_is_said(given: str) -> None:
    with pytest.raises(InputError, match="expected LAYER=SHARE"):
        ActiveRows.read(given)


def test_layers_of_many_tokens_compute_all_rows() -> None:
    found = gated(1)
    with pytest.raises(InputError, match="no linear layer of one token whose name has one of up"):
        with_active_rows(found, ActiveRows.read("up=0.5"))


def test_a_program_of_many_layers_is_cut_at_its_rows() -> None:
    torch.manual_seed(0)
    fused = describe(nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4)).eval(), torch.ones(1, 16))
    assert [run.layers for run in fused.runs] == [("0", "2")]
    found = with_active_rows(fused, ActiveRows.read("0=0.5"))
    assert [run.layers for run in found.runs] == [("0",), ("0",), ("2",)]
    pooled = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)).eval()
    with pytest.raises(InputError, match="in one program with pooling"):
        with_active_rows(describe(pooled, torch.ones(1, 3, 8, 8)), ActiveRows.read("3=0.5"))
