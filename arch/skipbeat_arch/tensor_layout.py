"""Tensors in the accelerator's memory: [channel block of V][y][x][V], channels padded with zeros."""

from __future__ import annotations

import numpy as np

from .arrays import Bytes, Int8Array, Int32Array
from .depths import PLACED_VECTORS, RAW_VECTORS
from .errors import InputError


def channel_blocks(channels: int, vector: int) -> int:
    """Blocks of V channels."""
    return -(-channels // vector)


def tensor_bytes(shape: tuple[int, int, int], vector: int, vectors: int = 1) -> int:
    """Bytes of a tensor of `shape` (channels, height, width), of whose pixels each block has so many vectors."""
    channels, height, width = shape
    return channel_blocks(channels, vector) * vector * height * width * vectors


def to_memory(x: Int8Array, vector: int) -> Bytes:
    """int8 [C, H, W] as uint8 [bytes].

    Raises:
        InputError: another type or number of dimensions.
    """
    if x.dtype != np.int8 or x.ndim != 3:
        raise InputError(f"tensor: expected int8 [C, H, W], not {x.dtype} {list(x.shape)}")
    channels, height, width = x.shape
    blocks = channel_blocks(channels, vector)
    padded = np.zeros((blocks * vector, height, width), np.int8)
    padded[:channels] = x
    return padded.reshape(blocks, vector, height, width).transpose(0, 2, 3, 1).ravel().view(np.uint8)


def from_memory(data: Bytes, shape: tuple[int, int, int], vector: int, vectors: int = 1) -> Int8Array | Int32Array:
    """Inverse of `to_memory`: int8 [C, H, W]; int32 of four vectors (little-endian); int8 [2, C, H, W] of two."""
    channels, height, width = shape
    raw, blocks = vectors == RAW_VECTORS, channel_blocks(channels, vector)
    values = np.ascontiguousarray(data).view(np.dtype("<i4") if raw else np.int8)
    if vectors == PLACED_VECTORS:
        both = values.reshape(blocks, height, width, vectors, vector).transpose(3, 0, 4, 1, 2)
        return both.reshape(vectors, -1, height, width)[:, :channels].astype(np.int8)
    maps = values.reshape(blocks, height, width, vector).transpose(0, 3, 1, 2).reshape(-1, height, width)[:channels]
    return maps.astype(np.int32) if raw else maps.astype(np.int8)
