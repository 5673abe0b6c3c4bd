"""What tests count in weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch


def fullest(matrix: torch.Tensor | npt.NDArray[np.generic], m: int) -> int:
    """Nonzeros of the fullest group of `m` rows in a column of a reduction matrix [C, K], counted one by one."""
    values = matrix.detach().numpy() if isinstance(matrix, torch.Tensor) else matrix
    return max(int(np.count_nonzero(values[at : at + m], axis=0).max()) for at in range(0, len(values), m))
