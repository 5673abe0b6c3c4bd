"""Masks that lie beside a weight: NVIDIA ASP (apex) and ModelOpt keep them as boolean buffers of the layer."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch

from skipbeat_arch.errors import InputError

#: Names of a mask beside `weight`, in the same module.
BESIDE = ("__weight_mma_mask", "_weight_mask")


def masked_reader(read: Callable[[str], torch.Tensor], stored: Collection[str]) -> Callable[[str], torch.Tensor]:
    """Reads weights with the masks beside them applied.

    The reader raises InputError if a mask has another shape than its weight.
    """

    def with_masks(name: str) -> torch.Tensor:
        weight = read(name)
        module, _, leaf = name.rpartition(".")
        if leaf != "weight":
            return weight
        for mask_name in BESIDE:
            full = f"{module}.{mask_name}" if module else mask_name
            if full in stored:
                weight = apply_mask(name, weight, read(full))
        return weight

    return with_masks


def apply_mask(name: str, weight: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The weight without what the mask drops.

    Raises:
        InputError: they have different shapes.
    """
    if mask.shape != weight.shape:
        raise InputError(f"mask of {name}: expected the weight's shape {tuple(weight.shape)}, not {tuple(mask.shape)}")
    if mask.is_meta or weight.is_meta:
        return weight
    return weight.detach() * (mask != 0)
