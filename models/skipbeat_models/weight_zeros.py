"""Where the zeros of a weight come from when they are asked for. Nothing here needs torch.

What can be written down is one of three classes; zeros that are read again from a checkpoint are none of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from math import prod

import numpy as np

from skipbeat_arch.arrays import BoolArray, Bytes
from skipbeat_arch.model import WeightZeros
from skipbeat_arch.pattern import Pattern

from .synthetic import synthetic_mask


@dataclass(frozen=True)
class NoZeros:
    """No zeros at all, without memory for them."""

    shape: tuple[int, ...]

    @property
    def key(self) -> Hashable:
        """Equal for equal zeros."""
        return "dense", self.shape

    def __call__(self) -> BoolArray:
        return np.broadcast_to(np.True_, self.shape)


@dataclass(frozen=True)
class DrawnZeros:
    """Zeros that a seed gives."""

    shape: tuple[int, ...]
    pattern: Pattern
    seed: int

    @property
    def key(self) -> Hashable:
        """Equal for equal zeros."""
        return "synthetic", self.shape, str(self.pattern), self.seed

    def __call__(self) -> BoolArray:
        return synthetic_mask(self.shape, self.pattern, self.seed)


@dataclass(frozen=True, eq=False)
class PackedZeros:
    """Zeros as bits, eight of them in a byte, with their digest."""

    shape: tuple[int, ...]
    bits: Bytes
    digest: str

    @classmethod
    def of(cls, nonzero: BoolArray) -> PackedZeros:
        """Those of a matrix."""
        return cls.of_bits(nonzero.shape, np.packbits(nonzero))

    @classmethod
    def of_bits(cls, shape: tuple[int, ...], bits: Bytes) -> PackedZeros:
        """Those of a matrix of this shape whose bits follow one another, row by row."""
        return cls(shape, bits, hashlib.blake2b(bits.data, digest_size=16).hexdigest())

    @property
    def key(self) -> Hashable:
        """Equal for equal zeros."""
        return "zeros", self.shape, self.digest

    def __call__(self) -> BoolArray:
        return np.unpackbits(self.bits, count=prod(self.shape)).view(np.bool_).reshape(self.shape)


def weight_zeros(source: NoZeros | DrawnZeros | PackedZeros) -> WeightZeros:
    """The zeros of this source."""
    return WeightZeros(key=source.key, nonzero=source)


def dense_zeros(shape: tuple[int, ...]) -> WeightZeros:
    """No zeros at all, bool of `shape`."""
    return weight_zeros(NoZeros(shape))
