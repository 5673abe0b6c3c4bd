"""Tensors of a checkpoint by name, which are in memory only while they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredTensor:
    """A tensor of a checkpoint.

    Attributes:
        dtype: as it is stored; None: of a tensor that is computed from others.
    """

    shape: tuple[int, ...]
    read: Callable[[], torch.Tensor]
    dtype: torch.dtype | None = None


Stored = Mapping[str, StoredTensor]


def in_memory(tensors: Mapping[str, torch.Tensor]) -> dict[str, StoredTensor]:
    """Tensors that are there already as a checkpoint."""

    def same(tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    return {
        name: StoredTensor(shape=tuple(tensor.shape), read=partial(same, tensor), dtype=tensor.dtype)
        for name, tensor in tensors.items()
    }
