"""Weights that are stored as integers or 8-bit floats with scales, as exported programs write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

Tensor = torch.Tensor


def _scaled(integers: Tensor, scale: Tensor | float, zero: Tensor | float | None, out: torch.dtype | None) -> Tensor:
    values = integers.to(torch.float32)
    return ((values if zero is None else values - zero) * scale).to(out or torch.float32)


def _rounded(values: Tensor, scale: Tensor | float, zero: Tensor | float | None, low: float, high: float) -> Tensor:
    return torch.clamp(torch.round(values / scale) + (0 if zero is None else zero), low, high)


def _along(numbers: Tensor | None, axis: int, like: Tensor) -> Tensor | None:
    """A number for each place along an axis, so that it meets the right elements."""
    if numbers is None:
        return None
    return numbers.reshape([-1 if place == axis % like.dim() else 1 for place in range(like.dim())])


def _blocked(numbers: Tensor | None, block: Sequence[int], like: Tensor) -> Tensor | None:
    """A number for each block of a tensor, stretched over it."""
    if numbers is None:
        return None
    counts = [size // part if part > 0 else 1 for size, part in zip(like.shape, block, strict=True)]
    found = numbers.reshape(counts)
    for axis, size in enumerate(like.shape):
        found = found.repeat_interleave(size // counts[axis], axis)
    return found


def _per_tensor(
    input: Tensor,
    scale: Tensor | float,
    zero_point: Tensor | float | None = None,
    out_dtype: torch.dtype | None = None,
    **rest: object,
) -> Tensor:
    return _scaled(input, scale, zero_point, out_dtype)


def _per_channel(
    input: Tensor,
    scales: Tensor,
    zero_points: Tensor | None,
    axis: int,
    out_dtype: torch.dtype | None = None,
    **rest: object,
) -> Tensor:
    scale = _along(scales, axis, input)
    assert scale is not None
    return _scaled(input, scale, _along(zero_points, axis, input), out_dtype)


def _per_group(
    input: Tensor,
    scales: Tensor,
    zero_points: Tensor | None,
    group_size: int,
    output_dtype: torch.dtype | None = None,
    **rest: object,
) -> Tensor:
    block = (1,) * (input.dim() - 1) + (group_size,)
    scale = _blocked(scales, block, input)
    assert scale is not None
    return _scaled(input, scale, _blocked(zero_points, block, input), output_dtype)


def _per_block(
    input: Tensor,
    block_size: Sequence[int],
    scale: Tensor,
    zero_point: Tensor | None = None,
    output_dtype: torch.dtype | None = None,
    **rest: object,
) -> Tensor:
    stretched = _blocked(scale, block_size, input)
    assert stretched is not None
    return _scaled(input, stretched, _blocked(zero_point, block_size, input), output_dtype)


def _quantised_tensor(
    input: Tensor,
    scale: Tensor | float,
    zero_point: Tensor | float,
    quant_min: int,
    quant_max: int,
    dtype: torch.dtype,
    **rest: object,
) -> Tensor:
    return _rounded(input, scale, zero_point, quant_min, quant_max).to(dtype)


def _quantised_channel(
    input: Tensor,
    scales: Tensor,
    zero_points: Tensor,
    axis: int,
    quant_min: int,
    quant_max: int,
    dtype: torch.dtype,
    **rest: object,
) -> Tensor:
    scale = _along(scales, axis, input)
    assert scale is not None
    return _rounded(input, scale, _along(zero_points, axis, input), quant_min, quant_max).to(dtype)


def _per_token(input: Tensor, scales: Tensor, zero_points: Tensor | None, **rest: object) -> Tensor:
    return _scaled(input, scales, zero_points, None)


def _of_integers(w_int8: Tensor, **rest: Any) -> Tensor:
    return _per_group(w_int8, **rest)


#: By the operator's name, whatever its overload; arguments as its schema has them.
_DEQUANTISERS: dict[str, Callable[..., Tensor]] = {
    "quantized_decomposed.dequantize_per_tensor": _per_tensor,
    "quantized_decomposed.dequantize_per_channel": _per_channel,
    "quantized_decomposed.dequantize_per_token": _per_token,
    "quantized_decomposed.dequantize_per_channel_group": _of_integers,
    "quantized_decomposed.quantize_per_tensor": _quantised_tensor,
    "quantized_decomposed.quantize_per_channel": _quantised_channel,
    "torchao.dequantize_affine": _per_block,
}


def dequantiser(target: str) -> Callable[..., Tensor] | None:
    """What computes an operator of such a name, which PyTorch itself has not."""
    return _DEQUANTISERS.get(target.rpartition(".")[0])
