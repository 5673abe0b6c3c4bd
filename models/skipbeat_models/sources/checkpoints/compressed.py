"""Weights as compressed-tensors stores them: bitmasks of the nonzeros, and integers packed into words.

The bitmask formats are those of compressed-tensors until 0.14 (`sparse-24-bitmask`, `sparse-bitmask`), the packed one
is `pack-quantized` (github.com/vllm-project/compressed-tensors, `compressors/`).
"""

from __future__ import annotations

from math import ceil

import numpy as np
import torch

from skipbeat_arch.errors import InputError


def from_bitmask(name: str, values: torch.Tensor, bitmask: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The weight [R, C] whose nonzeros are `values`, in rows, where `bitmask` has a bit.

    Args:
        values: [R, C / 2] or flat.
        bitmask: uint8 [R, ceil(C / 8)], lowest bit first.

    Raises:
        InputError: the sizes do not go together.
    """
    if len(shape) != 2 or bitmask.dtype != torch.uint8 or tuple(bitmask.shape) != (shape[0], ceil(shape[1] / 8)):
        raise InputError(f"weight {name}: a bitmask of {tuple(bitmask.shape)} does not belong to a weight of {shape}")
    bits = np.unpackbits(bitmask.numpy(), axis=-1, count=shape[1], bitorder="little").view(np.bool_)
    mask = torch.from_numpy(bits)
    count = int(mask.sum())
    if count != values.numel():
        raise InputError(
            f"weight {name}: its bitmask has {count:,} bits set; expected {values.numel():,}, as there are values"
        )
    return torch.zeros(shape, dtype=values.dtype).masked_scatter_(mask, values.reshape(-1))


def from_packed(
    name: str,
    packed: torch.Tensor,
    scale: torch.Tensor,
    shape: tuple[int, ...],
    zero_point: torch.Tensor | None = None,
    order: torch.Tensor | None = None,
) -> torch.Tensor:
    """The weight float [R, C] of integers of b bits with an offset of 2^(b-1), lowest bits first.

    Args:
        packed: int32 [R, ceil(C * b / 32)]; b follows from the sizes.
        scale: [R, groups of columns].
        zero_point: like `scale`, or packed along R as the weight is along C.
        order: [C], the group of each column; None or negative: columns of a group lie side by side.

    Raises:
        InputError: the sizes do not go together.
    """
    if len(shape) != 2 or packed.dim() != 2 or packed.dtype != torch.int32 or packed.shape[0] != shape[0]:
        raise InputError(f"weight {name}: packed values of {tuple(packed.shape)} do not belong to a weight of {shape}")
    bits = next((b for b in (4, 8, 2, 1) if ceil(shape[1] * b / 32) == packed.shape[1]), None)
    groups = scale.numel() // shape[0] if scale.numel() % shape[0] == 0 else 0
    if bits is None or groups == 0 or shape[1] % groups:
        raise InputError(
            f"weight {name}: {tuple(packed.shape)} words and scales of {tuple(scale.shape)} do not belong "
            f"to a weight of {shape} with 1, 2, 4 or 8 bits"
        )
    values = _unpack(packed, bits, shape[1])
    group = torch.arange(shape[1]) * groups // shape[1]
    if order is not None and bool((order >= 0).all()):
        group = order.long()
    if zero_point is not None:
        if zero_point.dtype == torch.int32 and zero_point.shape[0] != shape[0]:
            zero_point = _unpack(zero_point.t(), bits, shape[0]).t()
        if zero_point.numel() != scale.numel():
            raise InputError(
                f"weight {name}: zero points of {tuple(zero_point.shape)} do not belong to scales of "
                f"{tuple(scale.shape)}"
            )
        values = values - zero_point.reshape(shape[0], groups).to(torch.int32)[:, group]
    return values * scale.reshape(shape[0], groups).to(torch.float32)[:, group]


def _unpack(packed: torch.Tensor, bits: int, count: int) -> torch.Tensor:
    """Words [R, W] as signed integers int32 [R, count]."""
    shifts = torch.arange(0, 32, bits, dtype=torch.int32)
    fields = (packed.contiguous()[:, :, None] >> shifts) & ((1 << bits) - 1)
    return fields.reshape(len(packed), -1)[:, :count] - (1 << (bits - 1))
