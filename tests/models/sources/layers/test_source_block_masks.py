"""Block masks of flexible attention: only the blocks of scores that a model keeps are priced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from skipbeat_arch.errors import InputError
from skipbeat_models.quantise_mixed import quantise_mixed
from skipbeat_models.sources.data_rules import DataRules
from skipbeat_models.sources.layers.attention import AttentionBlocks
from tests.models.sources.described import describe

Tensor = torch.Tensor


def window(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
    return (query - key).abs() < 8 * (head + 1)


class Flexible(nn.Module):
    """Attention of two heads with a mask that is stored, or that a function makes of the input."""

    def __init__(self, mask: BlockMask | Callable[[Tensor], BlockMask]) -> None:
        super().__init__()
        self.mask, self.qkv = mask, nn.Linear(8, 48)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (part.unflatten(-1, (2, 8)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mask = self.mask if isinstance(self.mask, BlockMask) else self.mask(x)
        found: Any = flex_attention(query, key, value, block_mask=mask)
        result: Tensor = found
        return result


def stored(tokens: int, heads: int | None) -> BlockMask:
    return create_block_mask(window, None, heads, tokens, tokens, device="cpu", BLOCK_SIZE=8)


@pytest.mark.parametrize(
    ("mask", "tokens", "heads", "scores"),
    [
        (stored(32, 2), 32, 2, (10 + 14) * 64),  # of 4 x 4 blocks: three diagonals, and five
        (stored(20, 2), 20, 2, (4 * 64 + 2 * 32 + 16) + 400),  # the last block has 4 tokens
        pytest.param(lambda _: stored(32, None), 32, 1, 2 * 10 * 64, marks=pytest.mark.slow),  # made in the forward
    ],
)
def test_blocks_of_a_mask_are_priced(mask: Any, tokens: int, heads: int, scores: int) -> None:
    found = describe(Flexible(mask), torch.randn(1, tokens, 8))
    pair = found.layers[1:]
    assert [sum(part.macs_dense for part in layer.parts) for layer in pair] == [scores * 8] * 2
    assert [layer.macs_dense for layer in pair] == [2 * tokens * tokens * 8] * 2
    assert not found.notes


def test_a_stated_rule_is_used_instead() -> None:
    rules = DataRules(attention=AttentionBlocks.read("block=8,window=1"))
    found = describe(Flexible(stored(32, None)), torch.randn(1, 32, 8), rules=rules)
    assert [layer.density for layer in found.layers[1:]] == [1 / 4] * 2


@pytest.mark.slow
def test_a_mask_of_data_is_told() -> None:
    def by_length(x: Tensor) -> BlockMask:
        length = (x[0, :, 0] > 0).sum()
        return create_block_mask(lambda b, h, q, k: k < length, None, None, 32, 32, device="cpu", BLOCK_SIZE=8)

    found = describe(Flexible(by_length), torch.randn(1, 32, 8))
    assert [layer.whole for layer in found.layers] == [None] * 3
    assert any("--attention prices blocks" in note for note in found.notes)


def test_flexible_attention_is_not_run() -> None:
    with torch.no_grad(), pytest.raises(InputError, match="of this form is priced, but not yet run"):
        quantise_mixed(Flexible(stored(32, None)), (torch.randn(1, 32, 8),))
