"""The zeros of a layer's weight: pruned if a scheme says so, measured, and kept in as little memory as they need.

A weight comes as float [groups, K / groups, C_in / groups, kh, kw]; a linear layer has one group and one tap. Nothing
that a checkpoint says about its sparsity is believed: patterns and the order of a convolution's reduction axis
follow from the zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind, WeightZeros
from skipbeat_arch.pattern import Pattern, measured_pattern
from skipbeat_arch.workload import ReductionOrder

from ..masks import prune_mask
from ..scheme import Scheme
from ..synthetic import synthetic_mask
from .notes import Notes

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)
#: Which taps belong to a part of the layer: those of rows and of columns, in the part's order.
Taps = tuple[Sequence[int], Sequence[int]]

DENSE = Pattern("dense")
_ORDERS: dict[ReductionOrder, tuple[int, ...]] = {"kh,kw,cin": (0, 3, 4, 2, 1), "cin,kh,kw": (0, 2, 3, 4, 1)}
#: Zeros of up to this many bytes are kept, a bit per weight; the weights beyond are read again when asked for.
_KEPT_BYTES = 1 << 26
#: A pattern N:M fits tightly when at least this share of its places is really used.
_TIGHT = 0.9
#: From this share on, the zeros were made for the pattern.
_FILLED = 0.97


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
    """

    name: str
    kind: LayerKind
    shape: tuple[int, int, int, int, int]
    read: Callable[[], torch.Tensor]
    first: bool = False
    parts: tuple[Taps, ...] = ()
    factor: Callable[[], torch.Tensor | None] = lambda: None
    shared: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What was found.

    Attributes:
        pattern, density: of the weights, along the reduction axis in the order that suits their zeros.
        parts: zeros of each part in int8, where small weights are zero too.
    """

    pattern: Pattern
    density: float
    order: ReductionOrder
    parts: tuple[WeightZeros, ...]


def dense_zeros(shape: tuple[int, ...]) -> WeightZeros:
    """No zeros at all, bool of `shape`, without memory for them."""
    return WeightZeros(key=("dense", shape), nonzero=lambda: np.broadcast_to(np.True_, shape))


class ZeroReader:
    """Measures the weights of one model.

    Args:
        scheme: what to prune to; None prices the weights as they are.
        seed: of the zeros of weights that have no values.
        stated: the pattern that the model is said to have; layers that break it are noted.
    """

    def __init__(self, scheme: Scheme | None, seed: int, stated: Pattern | None, notes: Notes) -> None:
        self._scheme, self._seed, self._stated, self._notes = scheme, seed, stated, notes
        self._kept = 0
        self._synthetic: dict[Hashable, tuple[Pattern, int]] = {}

    def measure(self, weight: Weight) -> Measured:
        """Reads a weight and finds its pattern.

        Raises:
            InputError: a weight without elements, of another shape, or with values that are not finite.
        """
        if 0 in weight.shape:
            raise InputError(f"layer {weight.name}: its weight of shape {_text(weight.shape)} has no elements")
        wanted = self._scheme.pattern(weight.name, weight.kind, weight.first) if self._scheme else None
        values = weight.read()
        if tuple(values.shape) != weight.shape:
            raise InputError(
                f"layer {weight.name}: its weight has shape {_text(tuple(values.shape))}; expected "
                f"{_text(weight.shape)}"
            )
        if values.is_meta:
            return self._without_values(weight, wanted)
        parts = [_part(values, taps, weight.name) for taps in _parts(weight)]
        zeros = [_nonzero(part, wanted) for part in parts]
        rounded = _rounded(weight, parts, zeros)
        del values, parts
        total = sum(part.size for part in zeros)
        density = sum(int(np.count_nonzero(part)) for part in zeros) / total
        order, pattern = _best_order(zeros)
        self._check_stated(weight, pattern, zeros, order)
        self._check_axis(weight, pattern, zeros)
        kept = tuple(self._keep(weight, wanted, order, i, part) for i, part in enumerate(rounded))
        return Measured(pattern=pattern, density=density, order=order, parts=kept)

    def _without_values(self, weight: Weight, wanted: Pattern | None) -> Measured:
        """The zeros of a weight of which only the shape is known: none, or drawn from the seed."""
        shapes = [_matrix_shape((*weight.shape[:3], len(rows), len(cols))) for rows, cols in _parts(weight)]
        if wanted is None or wanted.kind == "dense":
            return Measured(pattern=DENSE, density=1.0, order="kh,kw,cin", parts=tuple(map(dense_zeros, shapes)))
        self._notes.add_layer("zeros drawn from the seed, for want of weights; equal shapes share them", weight.name)
        seed, found = self._seed, []
        for shape in shapes:
            key = ("synthetic", shape, str(wanted), seed)
            if key not in self._synthetic:
                mask = synthetic_mask(shape, wanted, seed)
                self._synthetic[key] = _pattern_of(mask), int(np.count_nonzero(mask))
            zeros = WeightZeros(key=key, nonzero=partial(synthetic_mask, shape, wanted, seed))
            found.append((zeros, *self._synthetic[key]))
        total = sum(int(np.prod(shape)) for shape in shapes)
        return Measured(
            pattern=max((pattern for _, pattern, _ in found), key=lambda pattern: pattern.density),
            density=sum(count for *_, count in found) / total,
            order="kh,kw,cin",
            parts=tuple(z for z, *_ in found),
        )

    def _keep(
        self, weight: Weight, wanted: Pattern | None, order: ReductionOrder, part: int, zeros: Bools
    ) -> WeightZeros:
        matrix = _matrix(zeros, order)
        if matrix.all():
            return dense_zeros(matrix.shape)
        packed = np.packbits(matrix)
        key = ("zeros", matrix.shape, hashlib.blake2b(packed.data, digest_size=16).hexdigest())
        if self._kept + packed.nbytes <= _KEPT_BYTES:
            self._kept += packed.nbytes
            shape, size = matrix.shape, matrix.size
            return WeightZeros(key=key, nonzero=lambda: np.unpackbits(packed, count=size).view(np.bool_).reshape(shape))

        def again() -> Bools:
            values = weight.read()
            parts = [_part(values, taps, weight.name) for taps in _parts(weight)]
            return _matrix(_rounded(weight, parts, [_nonzero(each, wanted) for each in parts])[part], order)

        return WeightZeros(key=key, nonzero=again)

    def _check_stated(self, weight: Weight, pattern: Pattern, zeros: list[Bools], order: ReductionOrder) -> None:
        stated = self._stated
        if stated is None or stated.kind != "nm":
            return
        if pattern.kind == "dense":
            self._notes.add_layer(f"dense, although {stated} was stated", weight.name)
            return
        counts = [_group_counts(_flat(_matrix(part, order)), stated.m) for part in zeros]
        broken = sum(int(np.count_nonzero(count > stated.n)) for count in counts)
        if broken:
            groups = sum(count.size for count in counts)
            self._notes.add(
                f"layer {weight.name}: {broken:,} of {groups:,} groups break the stated {stated}; "
                f"priced as measured, {pattern}"
            )

    def _check_axis(self, weight: Weight, pattern: Pattern, zeros: list[Bools]) -> None:
        """Notes zeros that form N:M along the outputs only: a checkpoint that holds its weights transposed."""
        if weight.kind != LayerKind.LINEAR or len(zeros) != 1:
            return
        matrix = _flat(_matrix(zeros[0], "kh,kw,cin"))
        density = float(matrix.mean())
        if _fits(pattern, density):
            return
        across = measured_pattern(np.ascontiguousarray(matrix.T))
        if _fits(across, density):
            self._notes.add_layer(
                f"zeros are {across} along the outputs, not along the inputs that are summed up, so "
                "they cannot be skipped as N:M; is the weight transposed?",
                weight.name,
            )


def _fits(pattern: Pattern, density: float) -> bool:
    return pattern.kind == "nm" and density >= _TIGHT * pattern.density


def _parts(weight: Weight) -> tuple[Taps, ...]:
    return weight.parts or ((range(weight.shape[3]), range(weight.shape[4])),)


def _part(values: torch.Tensor, taps: Taps, name: str) -> Floats:
    """The values of a part's taps, float [groups, K, C, kh, kw]."""
    values = values.detach()
    if values.dtype not in (torch.float32, torch.float64):
        values = values.to(torch.float32)
    array: Floats = values.numpy()
    rows, cols = list(taps[0]), list(taps[1])
    if rows != list(range(array.shape[3])) or cols != list(range(array.shape[4])):
        array = array[:, :, :, rows][:, :, :, :, cols]
    # A sum that is finite has no NaN and no infinity in it; one that is not may have overflowed.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum())
    if suspicious and not np.isfinite(array).all():
        raise InputError(f"layer {name}: its weight holds NaN or infinite values; expected finite numbers")
    return array


def _nonzero(values: Floats, wanted: Pattern | None) -> Bools:
    nonzero: Bools = values != 0
    if wanted is None:
        return nonzero
    matrix = _matrix(values, "kh,kw,cin")
    keep = prune_mask(matrix, wanted)
    groups, outputs, inputs, rows, cols = values.shape
    kept = keep.reshape(groups, rows, cols, inputs, outputs).transpose(0, 4, 3, 1, 2)
    return nonzero & kept


def _rounded(weight: Weight, parts: list[Floats], zeros: list[Bools]) -> list[Bools]:
    """Where the int8 weights are not zero: a channel's largest weight becomes 127 (see `quantise_layer`)."""
    factor = weight.factor()
    if factor is not None and not factor.is_meta:
        each = factor.numpy().reshape(weight.shape[0], weight.shape[1], 1, 1, 1)
        parts = [part * each for part in parts]
    peaks = [np.abs(np.where(kept, part, 0)).max(axis=(2, 3, 4)) for part, kept in zip(parts, zeros, strict=True)]
    half = np.max(peaks, axis=0).astype(np.float64) / (2 * 127)
    half = np.full_like(half, half.max())[..., None, None, None] if weight.shared else half[..., None, None, None]
    return [kept & (half > 0) & ((part >= half) | (part < -half)) for part, kept in zip(parts, zeros, strict=True)]


def _matrix(five: npt.NDArray[Scalar], order: ReductionOrder) -> npt.NDArray[Scalar]:
    """[C, K] or [groups, C, K] of [groups, K, C, kh, kw]."""
    matrix = five.transpose(_ORDERS[order]).reshape(_grouped_shape(five.shape))
    return np.ascontiguousarray(matrix if len(matrix) > 1 else matrix[0])


def _grouped_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    groups, outputs, inputs, rows, cols = shape
    return groups, rows * cols * inputs, outputs


def _matrix_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    grouped = _grouped_shape(shape)
    return grouped if grouped[0] > 1 else grouped[1:]


def _flat(matrix: Bools) -> Bools:
    """[C, groups * K]: columns of all groups side by side."""
    return matrix if matrix.ndim == 2 else matrix.swapaxes(0, 1).reshape(matrix.shape[1], -1)


def _pattern_of(matrix: Bools) -> Pattern:
    return measured_pattern(_flat(matrix))


def _best_order(parts: list[Bools]) -> tuple[ReductionOrder, Pattern]:
    """The order in which the zeros were made, as far as it shows, and their pattern in it."""
    orders: list[ReductionOrder] = ["kh,kw,cin", "cin,kh,kw"]
    if all(part.shape[3:] == (1, 1) for part in parts):
        orders = orders[:1]
    usual, *other = [(order, max((_pattern_of(_matrix(part, order)) for part in parts), key=_cost)) for order in orders]
    if not other or _cost(other[0][1]) >= _cost(usual[1]):
        return usual
    # Zeros without a pattern differ by chance: a pattern that they fill, or a clear difference, shows their axis.
    density = sum(int(np.count_nonzero(part)) for part in parts) / sum(part.size for part in parts)
    filled = other[0][1].kind == "nm" and density >= _FILLED * other[0][1].density
    return other[0] if filled or _cost(other[0][1]) <= _TIGHT * _cost(usual[1]) else usual


def _cost(pattern: Pattern) -> float:
    """Density for comparing patterns: without N:M, no step of an array is known to be saved."""
    return pattern.density if pattern.kind == "nm" else 1 + pattern.density


def _group_counts(matrix: Bools, m: int) -> npt.NDArray[np.int64]:
    padded = np.pad(matrix, ((0, -len(matrix) % m), (0, 0)))
    counts: npt.NDArray[np.int64] = padded.reshape(-1, m, matrix.shape[1]).sum(axis=1)
    return counts


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
