"""Maps of a batch as vectors in memory, [channel block][y][x][image][V], and what is drawn for them there.

Images come in groups of M, and what is missing of the last group and of the last block of channels is zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from skipbeat_arch.arrays import Int8Array, UInt32Array
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.tensor_layout import channel_blocks
from skipbeat_arch.training.mvue import exponent_growth
from skipbeat_arch.training.rounding import rounding_draws
from skipbeat_arch.training.selecting import select_unbiased

from .scaled import Scaled

Element = TypeVar("Element", bound=np.generic)
Elements = np.ndarray[tuple[int, ...], np.dtype[Element]]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Vectors:
    """How maps lie: M images side by side in the array's rows, V channels in a vector, and so many lanes that round."""

    group: int
    width: int
    lanes: int

    @classmethod
    def of(cls, hw: Hardware) -> Vectors:
        """Of a hardware description."""
        return cls(hw.array.group, hw.array.cols, hw.outputs.lanes)

    def draws(self, shape: Shape, seed: int) -> UInt32Array:
        """A draw for each element of a map [N, C, H, W] that is stored, uint32 in that shape."""
        images, channels, height, width = shape
        count = channel_blocks(channels, self.width) * height * width * self._padded(images)
        return self.to_map(rounding_draws(seed, self.lanes, count, self.width), shape)

    def keep_unbiased(self, gradient: Scaled, pattern: Pattern, seed: int) -> Scaled:
        """One of q images at each pixel and channel, without bias; the map's unit grows by q."""
        vectors = self.of_map(gradient.mantissas)
        kept, _ = select_unbiased(vectors, self.group, pattern.m, seed, along_time=True)
        exponent = gradient.exponent + exponent_growth(pattern.m)
        return Scaled(self.to_map(kept, gradient.mantissas.shape), exponent)

    def of_map(self, values: Int8Array) -> Int8Array:
        """A map [N, C, H, W] as vectors [count, V]."""
        images, channels, height, width = values.shape
        blocks = channel_blocks(channels, self.width)
        padded = np.zeros((self._padded(images), blocks * self.width, height, width), np.int8)
        padded[:images, :channels] = values
        split = padded.reshape(len(padded), blocks, self.width, height, width)
        return split.transpose(1, 3, 4, 0, 2).reshape(-1, self.width)

    def to_map(self, vectors: Elements[Element], shape: Shape) -> Elements[Element]:
        """The inverse of `of_map`, of any elements."""
        images, channels, height, width = shape
        split = vectors.reshape(-1, height, width, self._padded(images), self.width)
        return split.transpose(3, 0, 4, 1, 2).reshape(split.shape[3], -1, height, width)[:images, :channels]

    def _padded(self, images: int) -> int:
        return -(-images // self.group) * self.group
