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
from skipbeat_arch.pattern import MEASURED_GROUPS, Pattern, measured_pattern_of

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

    def measured(self) -> tuple[Pattern, int]:
        """The pattern that is measured of them, and how many weights are not zero.

        Of N:M both are known before anything is drawn: every group of M rows has N. Groups of fewer rows then have a
        fullest one with more than their share, unless their share is a whole number, which all of them might have.
        """
        rows, pattern = self.shape[-2], self.pattern
        shares = [pattern.n * m / pattern.m for m in MEASURED_GROUPS if m < pattern.m]
        known = pattern.kind == "nm" and pattern.n < pattern.m and pattern.m in MEASURED_GROUPS
        if known and rows >= pattern.m and not any(share.is_integer() for share in shares):
            full, rest = divmod(rows, pattern.m)
            kept = full * pattern.n + min(pattern.n, rest)
            return Pattern("nm", pattern.n, pattern.m, pattern.n / pattern.m), kept * (prod(self.shape) // rows)
        mask = self()
        return measured_pattern_of([mask] if mask.ndim == 2 else mask), int(np.count_nonzero(mask))

    def counted(self, group: int) -> BoolArray | None:
        """A mask with as many nonzeros in each `group` rows of a column, without memory for its columns, all alike.

        None: these are not known before anything is drawn.
        """
        n, m, rows = self.pattern.n, self.pattern.m, self.shape[-2]
        if self.pattern.kind != "nm" or group % m or len(self.shape) != 2:
            return None
        return np.broadcast_to((np.arange(rows) % m < n)[:, None], self.shape)

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
