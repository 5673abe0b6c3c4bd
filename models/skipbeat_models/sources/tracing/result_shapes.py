"""What some operators return for tensors without memory.

Torch's own functions for them are written in Python, and import its compiler and SymPy when they are first called: a
second for every model. Where one here returns None, torch says what the result is, or what is wrong with the operands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

Pair = Sequence[int]
_PAIR = 2


def _windows(sizes: Sequence[int], taps: Pair, step: Pair, pad: Pair, apart: Pair) -> list[int] | None:
    """Places of a window in maps of these sizes; None without any."""
    if {len(sizes), len(taps), len(step), len(pad), len(apart)} != {_PAIR}:
        return None
    each = zip(sizes, taps, step, pad, apart, strict=True)
    found = [(size + 2 * around - far * (tap - 1) - 1) // by + 1 for size, tap, by, around, far in each]
    return found if min(found) > 0 else None


def _convolved(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> torch.Tensor | None:
    if x.dim() != weight.dim() or x.shape[1] != groups * weight.shape[1]:
        return None
    found = _windows(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    return None if found is None else x.new_empty((len(x), len(weight), *found))


def _pooled(
    x: torch.Tensor,
    kernel_size: Pair,
    stride: Pair = (),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
) -> torch.Tensor | None:
    found = None if ceil_mode else _windows(x.shape[-2:], kernel_size, stride or kernel_size, padding, dilation)
    return None if found is None else x.new_empty((*x.shape[:-2], *found))


def _averaged(x: torch.Tensor, output_size: Pair) -> torch.Tensor | None:
    return x.new_empty((*x.shape[:-2], *output_size)) if len(output_size) == _PAIR else None


def _linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor | None:
    fits = weight.dim() == _PAIR and x.dim() > 0 and x.shape[-1] == weight.shape[1]
    return x.new_empty((*x.shape[:-1], len(weight))) if fits else None


def _alike(x: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
    return x.new_empty(x.shape)


def _added(x: torch.Tensor, other: object, *, alpha: object = 1) -> torch.Tensor | None:
    same = isinstance(other, torch.Tensor) and (x.shape, x.dtype) == (other.shape, other.dtype)
    return x.new_empty(x.shape) if same else None


_ATEN = torch.ops.aten
RESULTS: dict[torch._ops.OpOverload, Callable[..., torch.Tensor | None]] = {
    _ATEN.conv2d.default: _convolved,
    _ATEN.linear.default: _linear,
    _ATEN.max_pool2d.default: _pooled,
    _ATEN.adaptive_avg_pool2d.default: _averaged,
    _ATEN.batch_norm.default: _alike,
    _ATEN.relu.default: _alike,
    _ATEN.hardtanh.default: _alike,
    _ATEN.add.Tensor: _added,
}
