"""A language model with the blocks of Llama, small enough for the RTL.

Touvron et al., "Llama 2: Open Foundation and Fine-Tuned Chat Models", arXiv:2307.09288: RMS norms, rotary positions (Su
et al., "RoFormer", arXiv:2104.09864), causal attention of several heads and a gated feed-forward network. Weights come
from a seed.
"""

from __future__ import annotations

import torch
from torch import nn

from .seeded import seeded

_LONGEST = 64


class Attention(nn.Module):
    """Causal attention of several heads, with rotary positions."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        rates = 10_000.0 ** (-torch.arange(0, self.size, 2) / self.size)
        angles = torch.outer(torch.arange(_LONGEST).float(), rates).repeat(1, 2)  # [tokens, size]
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, tokens, width] to the same shape."""
        query, key, value = (part(x).unflatten(-1, (self.heads, self.size)).transpose(1, 2) for part in self._parts())
        mixed = nn.functional.scaled_dot_product_attention(
            self._turned(query), self._turned(key), value, is_causal=True
        )
        result: torch.Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return result

    def _parts(self) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        return self.q_proj, self.k_proj, self.v_proj

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        tokens, half = x.shape[-2], self.size // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
        return x * self.cos[:tokens] + turned * self.sin[:tokens]


class Block(nn.Module):
    """x + attention(norm(x)), then x + down(silu(gate(norm(x))) * up(norm(x)))."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.input_norm, self.post_norm = nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(width, eps=1e-5)
        self.attention = Attention(width, heads)
        self.gate_proj, self.up_proj = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, tokens, width] to the same shape."""
        x = x + self.attention(self.input_norm(x))
        y = self.post_norm(x)
        result: torch.Tensor = x + self.down_proj(nn.functional.silu(self.gate_proj(y)) * self.up_proj(y))
        return result


class TinyLlama(nn.Module):
    """Words, blocks, a norm and the language head."""

    def __init__(self, words: int, width: int, heads: int, hidden: int, blocks: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(words, width)
        self.blocks = nn.Sequential(*(Block(width, heads, hidden) for _ in range(blocks)))
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.lm_head = nn.Linear(width, words, bias=False)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """int64 [N, tokens] to [N, tokens, words]."""
        result: torch.Tensor = self.lm_head(self.norm(self.blocks(self.embed_tokens(input_ids))))
        return result


def build_network(seed: int = 0) -> TinyLlama:
    """The untrained network, initialised from `seed` without touching torch's global random state."""
    with seeded(seed):
        return TinyLlama(words=64, width=32, heads=2, hidden=64, blocks=2)
