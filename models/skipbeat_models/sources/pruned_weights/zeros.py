"""The zeros of a layer's weight: pruned if a scheme says so, measured, and kept in as little memory as they need.

A weight comes as float [groups, K / groups, C_in / groups, kh, kw]; a linear layer has one group and one tap. Nothing
that a checkpoint says about its sparsity is believed: patterns and the order of a convolution's reduction axis
follow from the zeros.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.model import KeptMagnitude, LayerKind, WeightZeros
from skipbeat_arch.pattern import Pattern, measured_pattern_of
from skipbeat_arch.workload import ReductionOrder

from ...scheme import Scheme
from ...weight_zeros import DrawnZeros, dense_zeros, weight_zeros
from ..notes import Notes
from .kept_magnitude import kept_magnitude
from .nonzero_parts import nonzero_parts
from .weight_arrays import Weight, grouped_shape, parts_of
from .zero_bits import ZeroBits

DENSE = Pattern("dense")
#: Zeros of up to this many bytes are kept, a bit per weight; the weights beyond are read again when asked for.
_KEPT_BYTES = 1 << 26
#: A pattern N:M fits tightly when at least this share of its places is really used.
_TIGHT = 0.9
#: From this share on, the zeros were made for the pattern.
_FILLED = 0.97


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What was found.

    Attributes:
        pattern: of the weights as they are given or pruned, along the reduction axis in the order that suits them.
        density: share of the int8 weights that are not zero; small weights are rounded to zero too.
        parts: zeros of each part in int8.
    """

    pattern: Pattern
    density: float
    order: ReductionOrder
    parts: tuple[WeightZeros, ...]


class KnownZeros:
    """What was measured of a model's weights, for phases that use the same weights in the same order."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Measured] = {}

    def get(self, key: Hashable, measure: Callable[[], Measured]) -> Measured:
        """What is known, or what `measure` finds."""
        if key not in self._found:
            self._found[key] = measure()
        return self._found[key]


class ZeroReader:
    """Measures the weights of one model.

    Args:
        scheme: what to prune to; None prices the weights as they are.
        seed: of the zeros of weights that have no values.
        stated: the pattern that the model is said to have; layers that break it are noted.
        known: what another reader of the same model has measured; None: nothing.

    Attributes:
        kept: of layers by their names, what pruning keeps of the weights, if the scheme permutes channels before.
    """

    def __init__(
        self, scheme: Scheme | None, seed: int, stated: Pattern | None, notes: Notes, known: KnownZeros | None = None
    ) -> None:
        self._known = known or KnownZeros()
        self._times: Counter[Hashable] = Counter()
        self._scheme, self._seed, self._stated, self._notes = scheme, seed, stated, notes
        self.kept: dict[str, KeptMagnitude] = {}
        self._kept = 0
        self._synthetic: dict[DrawnZeros, tuple[Pattern, int]] = {}

    def measure(self, weight: Weight) -> Measured:
        """Reads a weight and finds its pattern.

        Raises:
            InputError: a weight without elements, of another shape, or with values that are not finite.
        """
        if 0 in weight.shape:
            raise InputError(f"layer {weight.name}: its weight of shape {_text(weight.shape)} has no elements")
        key = (weight.name, weight.shape)
        self._times[key] += 1
        return self._known.get((*key, self._times[key]), lambda: self._measured(weight))

    def _measured(self, weight: Weight) -> Measured:
        wanted = self._scheme.pattern(weight.name, weight.kind, weight.first) if self._scheme else None
        values = weight.read()
        if tuple(values.shape) != weight.shape:
            raise InputError(
                f"layer {weight.name}: its weight has shape {_text(tuple(values.shape))}; expected "
                f"{_text(weight.shape)}"
            )
        if values.is_meta:
            return self._without_values(weight, wanted)
        zeros, rounded = nonzero_parts(weight, values, wanted)
        if self._scheme is not None and self._scheme.permute and wanted is not None and wanted.kind == "nm":
            magnitude = kept_magnitude(values, wanted, weight.order)
            before = self.kept.get(weight.name)
            self.kept[weight.name] = magnitude if before is None else before + magnitude
        del values
        order, pattern = _best_order(zeros)
        self._check_stated(weight, pattern, zeros, order)
        self._check_axis(weight, pattern, zeros)
        kept = tuple(self._keep(weight, wanted, order, i, part) for i, part in enumerate(rounded))
        return Measured(pattern=pattern, density=_density(rounded), order=order, parts=kept)

    def _without_values(self, weight: Weight, wanted: Pattern | None) -> Measured:
        """The zeros of a weight of which only the shape is known: none, or drawn from the seed."""
        shapes = [_matrix_shape((*weight.shape[:3], len(rows), len(cols))) for rows, cols in parts_of(weight)]
        if wanted is None or wanted.kind == "dense":
            return Measured(pattern=DENSE, density=1.0, order="kh,kw,cin", parts=tuple(map(dense_zeros, shapes)))
        self._notes.add_layer("zeros drawn from the seed, for want of weights; equal shapes share them", weight.name)
        seed, found = self._seed, []
        for shape in shapes:
            drawn = DrawnZeros(shape, wanted, seed)
            if drawn not in self._synthetic:
                self._synthetic[drawn] = drawn.measured()
            found.append((weight_zeros(drawn), *self._synthetic[drawn]))
        total = sum(int(np.prod(shape)) for shape in shapes)
        return Measured(
            pattern=max((pattern for _, pattern, _ in found), key=lambda pattern: pattern.density),
            density=sum(count for *_, count in found) / total,
            order="kh,kw,cin",
            parts=tuple(z for z, *_ in found),
        )

    def _keep(
        self, weight: Weight, wanted: Pattern | None, order: ReductionOrder, part: int, zeros: ZeroBits
    ) -> WeightZeros:
        if zeros.count == zeros.size:
            return dense_zeros(zeros.matrix_shape)
        packed = zeros.packed(order)
        if self._kept + packed.bits.nbytes <= _KEPT_BYTES:
            self._kept += packed.bits.nbytes
            return weight_zeros(packed)

        def again() -> BoolArray:
            return nonzero_parts(weight, weight.read(), wanted)[1][part].packed(order)()

        return WeightZeros(key=packed.key, nonzero=again)

    def _check_stated(self, weight: Weight, pattern: Pattern, zeros: list[ZeroBits], order: ReductionOrder) -> None:
        stated = self._stated
        if stated is None or stated.kind != "nm":
            return
        if pattern.kind == "dense":
            self._notes.add_layer(f"dense, although {stated} was stated", weight.name)
            return
        counts = [_group_counts(columns, stated.m) for part in zeros for columns in part.parts(order)]
        broken = sum(int(np.count_nonzero(count > stated.n)) for count in counts)
        if broken:
            groups = sum(count.size for count in counts)
            self._notes.add(
                f"layer {weight.name}: {broken:,} of {groups:,} groups break the stated {stated}; "
                f"priced as measured, {pattern}"
            )

    def _check_axis(self, weight: Weight, pattern: Pattern, zeros: list[ZeroBits]) -> None:
        """Notes zeros that form N:M along the outputs only: a checkpoint that holds its weights transposed."""
        density = _density(zeros)
        if weight.kind != LayerKind.LINEAR or len(zeros) != 1 or density == 1 or _fits(pattern, density):
            return
        across = measured_pattern_of(zeros[0].across())
        if _fits(across, density):
            self._notes.add_layer(
                f"zeros are {across} along the outputs, not along the inputs that are summed up, so "
                "they cannot be skipped as N:M; is the weight transposed?",
                weight.name,
            )


def _density(parts: list[ZeroBits]) -> float:
    return sum(part.count for part in parts) / sum(part.size for part in parts)


def _fits(pattern: Pattern, density: float) -> bool:
    return pattern.kind == "nm" and density >= _TIGHT * pattern.density


def _matrix_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    grouped = grouped_shape(shape)
    return grouped if grouped[0] > 1 else grouped[1:]


def _best_order(parts: list[ZeroBits]) -> tuple[ReductionOrder, Pattern]:
    """The order in which the zeros were made, as far as it shows, and their pattern in it."""
    orders: list[ReductionOrder] = ["kh,kw,cin", "cin,kh,kw"]
    if all(part.shape[3:] == (1, 1) for part in parts):
        orders = orders[:1]
    usual, *other = [(order, max((part.pattern(order) for part in parts), key=_cost)) for order in orders]
    # What is 2:4 along one axis is often 32:64 along the other: the smaller groups say how it was pruned.
    if not other or (_cost(other[0][1]), other[0][1].m) >= (_cost(usual[1]), usual[1].m):
        return usual
    # Zeros without a pattern differ by chance: a pattern that they fill, or a clear difference, shows their axis.
    density = _density(parts)
    filled = other[0][1].kind == "nm" and density >= _FILLED * other[0][1].density
    return other[0] if filled or _cost(other[0][1]) <= _TIGHT * _cost(usual[1]) else usual


def _cost(pattern: Pattern) -> float:
    """Density for comparing patterns: without N:M, no step of an array is known to be saved."""
    return pattern.density if pattern.kind == "nm" else 1 + pattern.density


def _group_counts(matrix: BoolArray, m: int) -> Int64Array:
    padded = np.pad(matrix, ((0, -len(matrix) % m), (0, 0)))
    counts: Int64Array = padded.reshape(-1, m, matrix.shape[1]).sum(axis=1)
    return counts


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
