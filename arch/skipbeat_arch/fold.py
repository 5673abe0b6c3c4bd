"""An image of few channels, laid out so that neighbouring pixels fill the vector that its channels leave empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Int8Array
from .errors import InputError


@dataclass(frozen=True, kw_only=True)
class Fold:
    """How the input lies in memory: position u of a line holds `copies` pixels of the zero-padded line.

    Channel `j · depth + c` of position u is channel c of padded pixel `u · stride + j · distance`.

    Attributes:
        shape: channels, height, width of the image.
        copies, depth: pixels in a position, and channels reserved for each.
        distance, stride: in pixels, between the copies of a position and between positions.
        padding: zeros left of a line; width: positions of a line.
    """

    shape: tuple[int, int, int]
    copies: int
    depth: int
    distance: int
    stride: int
    padding: int
    width: int

    @property
    def folded_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of the tensor in memory."""
        return self.copies * self.depth, self.shape[1], self.width

    def fold(self, x: Int8Array) -> Int8Array:
        """An image int8 [C, H, W] as int8 of `folded_shape`.

        Raises:
            InputError: an image of another type or shape.
        """
        if x.dtype != np.int8 or x.shape != self.shape:
            raise InputError(f"input: expected int8 {list(self.shape)}, not {x.dtype} {list(x.shape)}")
        channels, height, width = self.shape
        reach = (self.width - 1) * self.stride + (self.copies - 1) * self.distance + 1
        padded = np.zeros((channels, height, max(reach, self.padding + width)), np.int8)
        padded[:, :, self.padding : self.padding + width] = x
        out = np.zeros((self.copies, self.depth, height, self.width), np.int8)
        for copy in range(self.copies):
            start = copy * self.distance
            out[copy, :channels] = padded[:, :, start :: self.stride][:, :, : self.width]
        return out.reshape(self.folded_shape)
