"""Mixtures of experts, and heads that share keys and values: against counts made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Gemm
from skipbeat_models.sources.data_rules import DataRules
from skipbeat_models.sources.layers.routing import Routing
from tests.models.sources.described import Function, assert_complete, describe


class Mixture(nn.Module):
    """Rows in the order of their experts; the first expert's weight is 2:4."""

    def __init__(self, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        weight = torch.ones(4, 24, 16)  # [E, K, C]
        weight[0].view(24, 4, 4)[:, :, 1::2] = 0
        self.weight = nn.Parameter(weight.to(dtype))

    def forward(self, rows: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.grouped_mm(rows, self.weight.transpose(1, 2), offs=ends)


def mixture(rows: int, routing: Routing | None = None) -> list[tuple[int, str]]:
    """Rows of each part of the layer, and the pattern of the part's zeros."""
    inputs = (torch.zeros(rows, 16, dtype=torch.bfloat16), torch.tensor([rows] * 4, dtype=torch.int32))
    found = describe(Mixture(), *inputs, **({} if routing is None else {"rules": DataRules(routing=routing)}))
    assert_complete(found)
    (layer,) = found.layers
    assert layer.macs_dense == rows * 24 * 16
    parts = []
    for part in layer.parts:
        assert isinstance(part.workload, Gemm)
        parts.append((part.workload.p, "dense" if part.weight.nonzero().all() else "sparse"))
    return parts


def test_every_row_meets_one_expert() -> None:
    assert mixture(10) == [(3, "sparse"), (3, "dense"), (2, "dense"), (2, "dense")]
    assert mixture(2) == [(1, "sparse"), (1, "dense")]  # what no row needs is not fetched
    assert mixture(8, Routing(name="h", everywhere=(0, 6, 0, 2))) == [(6, "dense"), (2, "dense")]


def test_routing(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("[1, 2, 1]")
    assert Routing.read(str(path)).rows("any", 3, 9) == (2, 5, 2)
    path.write_text(json.dumps({"layers.1.": [0, 1], "layers.1.mlp.down": [1, 0]}))
    routing = Routing.read(str(path))
    assert routing.rows("layers.1.mlp.up", 2, 3) == (0, 3)
    assert routing.rows("layers.1.mlp.down", 2, 3) == (3, 0)
    assert routing.rows("layers.0.mlp.down", 2, 3) == (2, 1)
    assert Routing.read("uniform").rows("any", 4, 6) == (2, 2, 1, 1)
    with pytest.raises(InputError, match=r"expected 3 experts for layer layers.1.up, found 2"):
        routing.rows("layers.1.up", 3, 3)
    for wrong in ("[]", "[0, 0]", '["a"]', "3", "[1e999]", "[-1, 2]", "[true]"):
        path.write_text(wrong)
        with pytest.raises(InputError, match=r"routing .*(expected a count|JSON)"):
            Routing.read(str(path))


def _attended(query: torch.Tensor, keys: torch.Tensor, stretched: str) -> torch.Tensor:
    groups, times = keys.shape[1], query.shape[1] // keys.shape[1]
    if stretched == "expand":
        wide = keys[:, :, None].expand(-1, -1, times, -1, -1).reshape(query.shape[0], groups * times, *keys.shape[2:])
    elif stretched == "repeat_interleave":
        wide = keys.repeat_interleave(times, dim=1)
    elif stretched == "gqa":
        return nn.functional.scaled_dot_product_attention(query, keys, keys, enable_gqa=True)
    else:
        wide = keys.repeat(1, times, 1, 1)
    if stretched == "expand":
        return (query @ wide.transpose(2, 3)).softmax(-1) @ wide
    return nn.functional.scaled_dot_product_attention(query, wide, wide)


@pytest.mark.parametrize(("stretched", "moved"), [("expand", 2), ("repeat_interleave", 2), ("gqa", 2), ("repeat", 8)])
def test_heads_of_a_group_are_rows_of_one_product(stretched: str, moved: int) -> None:
    model = Function(lambda query, keys: _attended(query, keys, stretched))
    found = describe(model, torch.zeros(3, 8, 5, 16), torch.zeros(3, 2, 7, 16))
    parts = [layer.parts[0] for layer in found.layers]
    sizes = [(part.workload, part.repeats) for part in parts]
    rows = 5 * 8 // moved
    assert sizes == [(Gemm(p=rows, c=16, k=7), 3 * moved), (Gemm(p=rows, c=7, k=16), 3 * moved)]
