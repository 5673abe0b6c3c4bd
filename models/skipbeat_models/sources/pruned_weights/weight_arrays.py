"""A layer's weight as float [groups, K / groups, C_in / groups, kh, kw], its parts and its matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from skipbeat_arch.arrays import Floats, Indices
from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.workload import ReductionOrder

Scalar = TypeVar("Scalar", bound=np.generic)
#: Which taps belong to a part of the layer: those of rows and of columns, in the part's order.
Taps = tuple[Sequence[int], Sequence[int]]

_ORDERS: dict[ReductionOrder, tuple[int, ...]] = {"kh,kw,cin": (0, 3, 4, 2, 1), "cin,kh,kw": (0, 2, 3, 4, 1)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Weight:
    """A weight to be read.

    Attributes:
        name: of the layer; first: whether it is the model's first convolution.
        shape: [groups, K / groups, C_in / groups, kh, kw].
        read: float tensor of that shape; on the meta device its zeros cannot be known.
        parts: the taps of each part, which has zeros of its own; one part with all taps for most layers.
        factor: what a batch normalisation multiplies each output channel by, float [groups * K]; None: nothing does.
        shared: whether all channels are quantised with one scale (logits), not each with its own.
        order: that its input channels were put in before pruning; None: their own.
    """

    name: str
    kind: LayerKind
    shape: tuple[int, int, int, int, int]
    read: Callable[[], torch.Tensor]
    first: bool = False
    parts: tuple[Taps, ...] = ()
    factor: Callable[[], torch.Tensor | None] = lambda: None
    shared: bool = False
    order: Indices | None = None


def parts_of(weight: Weight) -> tuple[Taps, ...]:
    """The taps of each part."""
    return weight.parts or ((range(weight.shape[3]), range(weight.shape[4])),)


def part_of(values: torch.Tensor, taps: Taps, name: str) -> torch.Tensor:
    """The values of a part's taps: float [groups, K, C, kh, kw].

    Raises:
        InputError: complex numbers.
    """
    values = values.detach()
    if values.is_complex():
        raise InputError(f"layer {name}: its weight is of complex numbers, which are not priced")
    if values.dtype not in (torch.float32, torch.float64):
        values = values.to(torch.float32)
    rows, cols = list(taps[0]), list(taps[1])
    if rows != list(range(values.shape[3])) or cols != list(range(values.shape[4])):
        values = values[:, :, :, rows][:, :, :, :, cols]
    return values


def check_finite(array: Floats, name: str) -> None:
    """That there is neither NaN nor infinity among a layer's weights, or among the largest magnitudes of some of them.

    Raises:
        InputError: there is.
    """
    # A sum that is finite has no NaN and no infinity in it; one that is not may have overflowed.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum())
    if suspicious and not np.isfinite(array).all():
        raise InputError(f"layer {name}: its weight holds NaN or infinite values; expected finite numbers")


def matrix_of(five: npt.NDArray[Scalar], order: ReductionOrder) -> npt.NDArray[Scalar]:
    """[C, K] or [groups, C, K] of [groups, K, C, kh, kw]."""
    matrix = five.transpose(_ORDERS[order]).reshape(grouped_shape(five.shape))
    return np.ascontiguousarray(matrix if len(matrix) > 1 else matrix[0])


def grouped_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """[groups, C, K] of [groups, K, C, kh, kw]."""
    groups, outputs, inputs, rows, cols = shape
    return groups, rows * cols * inputs, outputs
