"""Block pruning: whole rectangles of the reduction matrix stay or go, by their norm.

Rectangular blocks are those of Gray, Radford and Kingma, "GPU Kernels for Block-Sparse Weights", 2017. The score is the
Frobenius norm of a block, as in Okanovic et al., "BLaST: High Performance Inference and Pretraining using BLock Sparse
Transformers", arXiv:2507.03117; it is divided by the square root of the block's size, so that the smaller blocks at
the matrix's end are compared fairly. (Narang, Undersander and Diamos, "Block-Sparse Recurrent Neural Networks",
arXiv:1711.02782, take the largest magnitude of a block instead.)
"""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import BoolArray, FloatArray, Floats

#: Rows and columns of a block of the pattern `block:DENSITY`: one tile of a 16x16 array with M = 4.
BLOCK = (64, 16)


def block_counts(shape: tuple[int, int], block: tuple[int, int]) -> tuple[int, int]:
    """How many blocks lie below and beside each other in a matrix; those at its end are smaller."""
    return -(-shape[0] // block[0]), -(-shape[1] // block[1])


def expand_blocks(chosen: BoolArray, shape: tuple[int, int], block: tuple[int, int]) -> BoolArray:
    """The mask [C, K] whose blocks are set as in `chosen`, bool of `block_counts`."""
    return chosen.repeat(block[0], axis=0)[: shape[0]].repeat(block[1], axis=1)[:, : shape[1]]


def block_scores(matrix: Floats, block: tuple[int, int]) -> FloatArray:
    """The mean square of each block of a matrix [C, K], float64 of `block_counts`: it orders them as the norm does."""
    rows, cols = matrix.shape
    starts = np.arange(0, rows, block[0]), np.arange(0, cols, block[1])
    energy = np.square(matrix, dtype=np.float64)
    for axis in (0, 1):
        energy = np.add.reduceat(energy, starts[axis], axis=axis)
    sizes = np.outer(np.diff(starts[0], append=rows), np.diff(starts[1], append=cols))
    scores: FloatArray = energy / sizes
    return scores
