"""Vision transformers, unless told otherwise for images of 224x224 pixels in patches of 16x16, and 1000 classes.

ViT-B/16: Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021
(arXiv:2010.11929), table 1: width 768, 12 blocks of 12 heads; 86,567,656 parameters. DeiT-S: Touvron et al., "Training
data-efficient image transformers & distillation through attention", ICML 2021 (arXiv:2012.12877), table 1: width 384,
12 blocks of 6 heads; 22,050,664 parameters. Weights come from a seed.
"""

from __future__ import annotations

import torch
from torch import nn

from .seeded import seeded


class Attention(nn.Module):
    """Softmax attention of several heads over all tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, tokens, width] to the same shape."""
        images, tokens, width = x.shape
        parts = self.qkv(x).reshape(images, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        result: torch.Tensor = self.proj(mixed.transpose(1, 2).reshape(images, tokens, width))
        return result


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)) with a hidden layer four times as wide."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, 4 * width)
        self.gelu = nn.GELU()
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, tokens, width] to the same shape."""
        x = x + self.attention(self.norm1(x))
        result: torch.Tensor = x + self.fc2(self.gelu(self.fc1(self.norm2(x))))
        return result


class VisionTransformer(nn.Module):
    """Patches as tokens, a class token before them, learnt positions; the class token's result is classified."""

    def __init__(self, width: int, heads: int, blocks: int, image: int, patch: int, classes: int) -> None:
        super().__init__()
        tokens = (image // patch) ** 2 + 1
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, tokens, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 3, image, image] to [N, classes]."""
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches], dim=1) + self.positions
        result: torch.Tensor = self.head(self.norm(self.blocks(tokens))[:, 0])
        return result


def build_network(
    seed: int = 0,
    *,
    width: int = 768,
    heads: int = 12,
    blocks: int = 12,
    image: int = 224,
    patch: int = 16,
    classes: int = 1000,
) -> VisionTransformer:
    """The untrained network, initialised from `seed` without touching torch's global random state."""
    with seeded(seed):
        return VisionTransformer(width, heads, blocks, image, patch, classes)
