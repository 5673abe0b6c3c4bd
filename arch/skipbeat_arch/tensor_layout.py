"""Tensors in the accelerator's memory: [channel block of V][y][x][V], channels padded with zeros."""

from __future__ import annotations

import numpy as np

from .arrays import Bytes, Int8Array, Int32Array
from .errors import InputError


def channel_blocks(channels: int, vector: int) -> int:
    """Blocks of V channels."""
    return -(-channels // vector)


def tensor_bytes(shape: tuple[int, int, int], vector: int, *, raw: bool = False) -> int:
    """Bytes of a tensor of `shape` (channels, height, width); `raw` is int32, otherwise int8."""
    channels, height, width = shape
    return channel_blocks(channels, vector) * vector * height * width * (4 if raw else 1)


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


def from_memory(data: Bytes, shape: tuple[int, int, int], vector: int, *, raw: bool = False) -> Int8Array | Int32Array:
    """Inverse of `to_memory`: int8 [C, H, W], or int32 if `raw` (little-endian in memory)."""
    channels, height, width = shape
    values = np.ascontiguousarray(data).view(np.dtype("<i4") if raw else np.int8)
    blocks = channel_blocks(channels, vector)
    maps = values.reshape(blocks, height, width, vector).transpose(0, 3, 1, 2).reshape(-1, height, width)[:channels]
    return maps.astype(np.int32) if raw else maps.astype(np.int8)
