"""Transposed access: M vectors of V lanes become V bundles of M, V / M bundles side by side in a vector.

Bundle v holds lane v of the M vectors, the first vector lowest. Vector j holds bundles j * V/M .. (j + 1) * V/M - 1.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Element = TypeVar("Element", bound=np.generic)
Vectors = np.ndarray[tuple[int, ...], np.dtype[Element]]


def turn(vectors: Vectors[Element], group: int) -> Vectors[Element]:
    """[vectors, V] of bundles, from [vectors, V]; M vectors at a time.

    Raises:
        ValueError: the number of vectors, or V, is no multiple of M.
    """
    count, width = vectors.shape
    if count % group or width % group:
        raise ValueError(f"expected vectors and lanes in multiples of {group}, not {count} and {width}")
    return vectors.reshape(-1, group, width).swapaxes(1, 2).reshape(count, width)


def turn_back(bundles: Vectors[Element], group: int) -> Vectors[Element]:
    """The inverse of `turn`."""
    count, width = bundles.shape
    return bundles.reshape(-1, width, group).swapaxes(1, 2).reshape(count, width)
