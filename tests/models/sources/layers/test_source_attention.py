"""Sparse attention: the blocks that rules and masks keep, the products that are left, and their dense twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.model import Twin
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.estimate import estimate_model
from skipbeat_models.sources import load_source
from skipbeat_models.sources.data_rules import DataRules
from skipbeat_models.sources.layers.attention import AttentionBlocks
from skipbeat_models.sources.layers.attention_reader import attention_layers
from tests.models.sources.described import describe


def blocks(rule: str, rows: int = 8, keys: int = 8) -> list[str]:
    mask = AttentionBlocks.read(rule).mask("layer", rows, keys)
    assert mask is not None
    return ["".join(".x"[int(kept)] for kept in row) for row in mask]


def by_tokens(rule: dict[str, int], causal: bool, rows: int, keys: int) -> np.ndarray[Any, Any]:
    """The blocks of two tokens that have a pair which a rule keeps, pair by pair."""
    kept = np.zeros((-(-rows // 2), -(-keys // 2)), np.bool_)
    for q in range(rows):
        for k in range(keys):
            at = q + keys - rows
            near = abs(at - k) < rule.get("window", 0)
            far = "stride" in rule and (at - k) % rule["stride"] == 0
            seen = near or far or min(at, k) < rule.get("global", 0) or not rule
            kept[q // 2, k // 2] |= seen and (not causal or k <= at)
    return kept


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("rule", [{}, {"window": 1}, {"window": 4}, {"stride": 6}, {"global": 3, "window": 2}])
@pytest.mark.parametrize(("rows", "keys"), [(16, 16), (7, 7), (3, 12)])
def test_rules_keep_the_blocks_of_pairs_of_tokens(rule: dict[str, int], causal: bool, rows: int, keys: int) -> None:
    if not rule and not causal:
        return
    words = [f"{name}={number}" for name, number in rule.items()] + ["causal"] * causal
    found = AttentionBlocks.read(",".join(["block=2", *words])).mask("layer", rows, keys)
    expected = by_tokens(rule, causal, rows, keys)
    np.testing.assert_array_equal(found, expected)


def test_the_largest_blocks_are_spread_evenly() -> None:
    assert blocks("block=2,topk=2") == ["x.x.", ".x.x", "x.x.", ".x.x"]
    assert blocks("block=2,topk=2,causal") == ["x...", "xx..", "x.x.", ".x.x"]
    assert blocks("block=2,topk=9") == ["xxxx"] * 4


def test_products_of_the_blocks_that_are_kept(tmp_path: Path) -> None:
    masks: dict[str, Any] = {"layers.1.": np.array([[1, 0], [1, 1], [0, 0]], np.bool_)}
    np.savez(tmp_path / "m.npz", **masks)
    rule = AttentionBlocks.read(str(tmp_path / "m.npz"))
    names = ("layers.1.attention.query-key", "layers.1.attention.score-value")
    (scores, values), kept = attention_layers(rule, names, times=8, heads=4, shared=(2, 2), sizes=(10, 6, 16, 8))
    # Blocks of 4, 4 and 2 queries and of 3 keys; two heads share theirs.
    assert [(part.workload, part.repeats) for part in scores.parts] == [
        (Gemm(p=16, c=16, k=3), 4),
        (Gemm(p=8, c=16, k=3), 4),
    ]
    assert [(part.workload, part.repeats) for part in values.parts] == [
        (Gemm(p=8, c=3, k=8), 4),
        (Gemm(p=8, c=6, k=8), 4),
    ]
    assert kept == 8 * (4 * 3 + 4 * 6)
    assert (scores.macs_dense, values.macs_dense) == (8 * 10 * 16 * 6, 8 * 10 * 6 * 8)
    assert scores.density == values.density == 36 / 60
    layers, kept = attention_layers(rule, ("other", "other"), times=1, heads=1, shared=(1, 1), sizes=(4, 4, 4, 4))
    assert ([layer.whole for layer in layers], kept) == ([None, None], 16)


def test_masks_by_heads(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.array([[[1]], [[0]]], np.uint8))
    rule = AttentionBlocks.read(str(tmp_path / "m.npy"))
    (scores, _), kept = attention_layers(rule, ("a", "b"), times=6, heads=2, shared=(2, 2), sizes=(4, 4, 8, 8))
    assert ([(part.workload, part.repeats) for part in scores.parts], kept) == ([(Gemm(p=4, c=8, k=4), 3)], 48)
    with pytest.raises(InputError, match="has 3 heads; the mask has 2"):
        attention_layers(rule, ("a", "b"), times=3, heads=3, shared=(1, 1), sizes=(4, 4, 8, 8))
    np.save(tmp_path / "m.npy", np.ones((9, 9), np.bool_))
    with pytest.raises(InputError, match="4 queries and 4 keys; expected a mask"):
        AttentionBlocks.read(str(tmp_path / "m.npy")).mask("a", 4, 4)


@pytest.mark.parametrize("rule", ["", "window", "window=0", "block=4", "window=2,window=4", "causal,causal", "top=3"])
def test_other_rules_are_refused(rule: str) -> None:
    with pytest.raises(InputError, match="expected block=TOKENS, window=TOKENS"):
        AttentionBlocks.read(rule)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.npz").write_text("no")
    np.save(tmp_path / "m.npy", np.ones((2, 2)))
    for name, words in (("m.npz", "cannot be read"), ("m.npy", "expected masks of bool"), ("n.npy", "cannot be read")):
        with pytest.raises(InputError, match=words):
            AttentionBlocks.read(str(tmp_path / name))


class _Fused(nn.Module):
    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return functional.scaled_dot_product_attention(q, k, v)


class _Written(nn.Module):
    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        scores = q @ k.transpose(-2, -1) / 4 + torch.ones(32, 32).tril()
        return functional.dropout(scores.softmax(-1), 0.1, False) @ v


def test_attention_costs_the_same_however_it_is_written() -> None:
    rules = DataRules(attention=AttentionBlocks.read("block=8,window=4,causal"))
    fused, written = (describe(model, *[torch.zeros(2, 3, 32, 8)] * 3, rules=rules) for model in (_Fused(), _Written()))
    assert [run.twin for run in fused.runs] == [Twin.NONE, Twin.NONE, Twin.ONLY] * 2
    hw = load_hardware("tiny-4x4")
    first, second, whole = (
        estimate_model(each, hw) for each in (fused, written, describe(_Fused(), *[torch.zeros(2, 3, 32, 8)] * 3))
    )
    assert (first.cycles, first.cycles_dense) == (second.cycles, whole.cycles)
    assert [layer.macs for layer in first.layers] == [2 * 3 * 8 * 8 * 8 * 7] * 2
    assert sum(run.cycles * run.repeats for run in first.runs) == first.cycles
    assert fused.host_operators[0].elements == 2 * 3 * 8 * 8 * 7


def test_a_rule_without_attention_is_an_error(tmp_path: Path) -> None:
    torch.export.save(torch.export.export(nn.Linear(4, 4), (torch.zeros(2, 4),)), tmp_path / "m.pt2")
    with pytest.raises(InputError, match="no attention of which it leaves out a block"):
        load_source(str(tmp_path / "m.pt2"), rules=DataRules(attention=AttentionBlocks.read("causal")))
