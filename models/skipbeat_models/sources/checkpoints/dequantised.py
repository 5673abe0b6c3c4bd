"""The mathematics of quantised weights; `quantised.py` says which form is whose, and where it is published.

Weights come out as float32 [K, C]. A weight that was zero before is exactly zero after.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import parse_json

Tensor = torch.Tensor

#: Column of each half byte of a word of AWQ.
_AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
#: E2M1, the sign is the highest bit.
_FP4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)
_NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
#: A bias that is so near to a multiple of its scale is one: both are rounded to 16 bits.
_NEAR = 1 / 16


def unpacked(words: Tensor, bits: int, count: int) -> Tensor:
    """Unsigned integers of b bits, int32 [R, count], of words [R, W] of 32 bits, low bits first, without gaps."""
    words = words.contiguous().view(torch.int32)
    if 32 % bits == 0:
        shifts = torch.arange(0, 32, bits, dtype=torch.int32)
        return ((words[:, :, None] >> shifts) & ((1 << bits) - 1)).reshape(len(words), -1)[:, :count]
    stream = np.unpackbits(words.numpy().view(np.uint8), axis=-1, bitorder="little")
    stream = stream[:, : stream.shape[1] // bits * bits].reshape(len(words), -1, bits)
    values = (stream.astype(np.int32) << np.arange(bits, dtype=np.int32)).sum(axis=-1)
    return torch.from_numpy(values[:, :count].astype(np.int32))


def from_gptq(
    qweight: Tensor, qzeros: Tensor, scales: Tensor, g_idx: Tensor | None = None, *, bits: int, plus: int
) -> Tensor:
    """scale (q - z - plus); values are packed along the inputs, zero points along the outputs."""
    outputs = qweight.shape[1]
    inputs = qweight.shape[0] * 32 // bits
    values = unpacked(qweight.t(), bits, inputs)  # [K, C]
    zeros = unpacked(qzeros, bits, outputs) + plus  # [G, K]
    group = torch.arange(inputs) * len(scales) // inputs if g_idx is None else g_idx.long()
    return (values - zeros.t()[:, group]) * scales.float().t()[:, group]


def from_awq(qweight: Tensor, qzeros: Tensor, scales: Tensor) -> Tensor:
    """scale (q - z); both are packed along the outputs."""
    outputs, inputs = scales.shape[1], qweight.shape[0]
    values, zeros = (_awq(words, outputs) for words in (qweight, qzeros))
    times = inputs // len(scales)
    zeros, wide = (part.repeat_interleave(times, 0) for part in (zeros, scales.float()))
    return ((values - zeros) * wide).t()


def _awq(words: Tensor, outputs: int) -> Tensor:
    halves = unpacked(words, 4, outputs).reshape(len(words), -1, 8)
    return torch.empty_like(halves).index_copy_(2, torch.tensor(_AWQ_ORDER), halves).reshape(len(words), outputs)


def from_mlx(weight: Tensor, scales: Tensor, biases: Tensor, *, bits: int) -> Tensor:
    """scale q + bias."""
    rows, groups = scales.shape
    values = unpacked(weight, bits, weight.shape[1] * 32 // bits).reshape(rows, groups, -1).float()
    scale, bias = scales.float()[..., None], biases.float()[..., None]
    steps = torch.where(scale == 0, torch.zeros_like(bias), bias / scale)
    nearest = steps.round()
    exact = (steps - nearest).abs() < _NEAR
    return torch.where(exact & (scale != 0), (values + nearest) * scale, values * scale + bias).reshape(rows, -1)


def from_int8_rows(weight: Tensor, largest: Tensor) -> Tensor:
    """q SCB / 127."""
    return weight.float() * (largest.float() / 127).reshape(-1, 1)


def from_scales(
    weight: Tensor, scale: Tensor, zero: Tensor | None = None, *, block: tuple[int, int] | None = None
) -> Tensor:
    """(q - z) scale, with a scale for all, for each output, or for groups or blocks of them."""
    values = weight.float()
    if zero is not None:
        values = values - _stretched(zero.float(), values, block)
    return values * _stretched(scale.float(), values, block)


def from_blocks(weight: Tensor, scale: Tensor, *, block: tuple[int, int] | None = None) -> Tensor:
    """q scale, a scale for each block."""
    return weight.float() * _stretched(scale.float(), weight, block)


def _stretched(numbers: Tensor, like: Tensor, block: tuple[int, int] | None) -> Tensor:
    """A number for each element, as blocks of equal size have them; the last ones may be cut."""
    if numbers.numel() == 1:
        return numbers.reshape(())
    if numbers.dim() == like.dim() - 1:
        numbers = numbers[..., None]
    for axis in (-2, -1):
        size, count = like.shape[axis], numbers.shape[axis]
        length = block[axis] if block and -(-size // block[axis]) == count else _length(size, count)
        numbers = numbers.repeat_interleave(length, axis).narrow(axis, 0, size)
    return numbers


def _length(size: int, count: int) -> int:
    """Of the equal parts of an axis, of which the last may be cut; 128 is what everybody takes."""
    return next((length for length in (128, size // count) if -(-size // length) == count), -(-size // count))


def from_fp4(weight: Tensor, scale: Tensor, whole: Tensor | None = None, *, divided: bool = False) -> Tensor:
    """q scale scale: E2M1, a scale for each 16 or 32 values, and one of the whole, which may be its inverse."""
    values = _halves(weight, low_first=True, table=_FP4)
    fine = _power(scale) if scale.dtype == torch.uint8 else scale.float()
    if whole is not None:
        fine = fine / whole.float() if divided else fine * whole.float()
    return values * fine.repeat_interleave(values.shape[-1] // fine.shape[-1], -1)


def from_mxfp4(blocks: Tensor, scales: Tensor) -> Tensor:
    """q 2^(scale - 127), [..., K, G, 16] with scales [..., K, G] to [..., C, K]."""
    values = _halves(blocks, low_first=True, table=_FP4) * _power(scales)[..., None]
    return values.flatten(-2).transpose(-1, -2)


def _power(scale: Tensor) -> Tensor:
    return torch.exp2(scale.to(torch.int32).float() - 127)


def _halves(packed: Tensor, *, low_first: bool, table: tuple[float, ...] | Tensor) -> Tensor:
    """Values of half bytes, side by side in the last axis."""
    values = torch.as_tensor(table, dtype=torch.float32)
    low, high = values[(packed & 15).long()], values[(packed >> 4).long()]
    return torch.stack((low, high) if low_first else (high, low), dim=-1).flatten(-2)


def from_bitsandbytes(weight: Tensor, parts: Mapping[str, Tensor], stated: Mapping[str, object]) -> Tensor:
    """map[q] absmax, flat; `absmax` may be quantised itself."""
    table = parts.get("quant_map")
    if table is None and stated.get("quant_type", "nf4") != "nf4":
        raise ValueError("a quant_map is missing")
    flat = _halves(weight.reshape(-1), low_first=False, table=_NF4 if table is None else table.float())
    largest = parts["absmax"]
    if (nested := parts.get("nested_absmax")) is not None:
        offset = stated.get("nested_offset", 0.0)
        fine = parts["nested_quant_map"].float()[largest.long()]
        times = -(-fine.numel() // nested.numel())
        largest = fine * nested.float().repeat_interleave(times)[: fine.numel()]
        largest = largest + (float(offset) if isinstance(offset, int | float) else 0.0)
    block = -(-flat.numel() // largest.numel())
    return flat * largest.float().repeat_interleave(block)[: flat.numel()]


def quant_state(packed: Tensor, name: str) -> dict[str, object]:
    """What bitsandbytes writes beside a weight: JSON as bytes.

    Raises:
        InputError: it is something else.
    """
    content = parse_json(packed.to(torch.uint8).numpy().tobytes(), f"checkpoint: {name}")
    if not isinstance(content, dict):
        raise InputError(f"checkpoint: {name}: expected an object of names and values")
    return content
