"""Maxima over windows of integer maps, and which of a window's elements they are."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.graph import Pool
from skipbeat_arch.instruction import Store

Element = TypeVar("Element", bound=np.generic)
Elements = np.ndarray[tuple[int, ...], np.dtype[Element]]


def windows(values: Elements[Element], pool: Pool) -> Elements[Element]:
    """The elements of each window of maps [..., H, W], row by row: [..., H', W', elements]; whole windows only."""
    (high, wide), (down, across) = pool.kernel, pool.stride
    found = np.lib.stride_tricks.sliding_window_view(values, (high, wide), axis=(-2, -1))
    found = found[..., ::down, ::across, :, :]
    return found.reshape(*found.shape[:-2], high * wide)


def separate_windows(pool: Pool, *, padding: tuple[int, int], dilation: tuple[int, int], ceil: bool) -> bool:
    """Whether a STORE can pool so: whole windows that do not meet, of no more items than it takes."""
    (high, wide), (down, across) = pool.kernel, pool.stride
    whole = padding == (0, 0) and dilation == (1, 1) and not ceil
    return whole and high <= down and wide <= across and high * wide <= Store.largest("pool")


def largest(sums: Int64Array, pool: Pool) -> tuple[Int64Array, Int8Array]:
    """Of each window of [..., H, W] the largest sum, and the number of the first that is it, [..., H', W']."""
    each = windows(sums, pool)
    return each.max(axis=-1), each.argmax(axis=-1).astype(np.int8)


def spread(values: Int8Array, places: Int8Array, pool: Pool, shape: tuple[int, ...]) -> Int8Array:
    """A map of `shape` [..., H, W] with each value [..., H', W'] at its place in its window, and zeros elsewhere.

    Windows must not meet.
    """
    found = np.zeros(shape, np.int8)
    (high, wide), (down, across) = pool.kernel, pool.stride
    height, width = values.shape[-2:]
    for number in range(high * wide):
        row, column = divmod(number, wide)
        last = row + (height - 1) * down + 1, column + (width - 1) * across + 1
        found[..., row : last[0] : down, column : last[1] : across] = np.where(places == number, values, 0)
    return found
