"""Where weights and their integers are not zero, some columns at a time, is what their definition gives at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import pytest
import torch

from skipbeat_arch.arrays import Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern, measured_pattern
from skipbeat_arch.workload import ReductionOrder
from skipbeat_models.masks import prune_mask
from skipbeat_models.sources.pruned_weights.nonzero_parts import nonzero_parts
from skipbeat_models.sources.pruned_weights.weight_arrays import Taps, Weight, matrix_of
from skipbeat_models.sources.pruned_weights.zero_bits import COLUMNS, ZeroBits
from skipbeat_models.weight_zeros import PackedZeros

SHAPES = [(1, 300, 12, 1, 1), (1, COLUMNS, 8, 3, 3), (1, 131, 5, 3, 2), (6, 5, 4, 3, 3), (140, 1, 1, 3, 3)]
PATTERNS = [None, "2:4", "5:16", "3:20", "unstructured:0.3", "block:0.5"]
ORDERS: list[ReductionOrder] = ["kh,kw,cin", "cin,kh,kw"]


def weight_of(shape: tuple[int, int, int, int, int], seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Some zeros, and some values that are small beside the largest of their channel."""
    random = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=random, dtype=dtype) * 10 ** (4 * torch.rand(shape, generator=random) - 3)
    return values * (torch.rand(shape, generator=random) > 0.1)


def defined(
    values: torch.Tensor, wanted: Pattern | None, taps: Sequence[Taps], factor: torch.Tensor | None, shared: bool
) -> tuple[list[Array], list[Array]]:
    """The same from the whole weight at once: bool [groups, K, C, kh, kw]."""
    parts = [values.numpy()[:, :, :, list(rows)][:, :, :, :, list(cols)] for rows, cols in taps]
    kept = []
    for part in parts:
        groups, outputs, inputs, rows, cols = part.shape
        keep = np.ones(part.shape, np.bool_)
        if wanted is not None:
            mask = prune_mask(matrix_of(part, "kh,kw,cin"), wanted)
            keep = mask.reshape(groups, rows, cols, inputs, outputs).transpose(0, 4, 3, 1, 2)
        kept.append(keep & (part != 0))
    if factor is not None:
        parts = [part * factor.numpy().reshape(*values.shape[:2], 1, 1, 1) for part in parts]
    peaks = np.max([np.abs(part * keep).max(axis=(2, 3, 4)) for part, keep in zip(parts, kept, strict=True)], axis=0)
    step = (np.full_like(peaks, peaks.max()) if shared else peaks).astype(np.float64)[:, :, None, None, None] / 127
    rounded = [
        keep & (step > 0) & ((part >= step / 2) | (part < -step / 2)) for part, keep in zip(parts, kept, strict=True)
    ]
    return kept, rounded


def check(found: list[ZeroBits], expected: list[Array]) -> None:
    for bits, five in zip(found, expected, strict=True):
        assert (bits.count, bits.size) == (int(np.count_nonzero(five)), five.size)
        for order in ORDERS:
            matrix = matrix_of(five, order)
            packed, same = bits.packed(order), PackedZeros.of(matrix)
            np.testing.assert_array_equal(packed(), matrix)
            assert (packed.key, packed.bits.tobytes()) == (same.key, same.bits.tobytes())
            flat = matrix if matrix.ndim == 2 else np.concatenate(list(matrix), axis=1)
            np.testing.assert_array_equal(np.concatenate(list(bits.parts(order)), axis=1), flat)
            assert bits.pattern(order) == measured_pattern(flat)
        flat = np.concatenate(list(bits.parts()), axis=1)
        np.testing.assert_array_equal(np.concatenate(list(bits.across()), axis=1), flat.T)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("shared", [False, True])
def test_columns_at_a_time_are_the_whole(
    shape: tuple[int, int, int, int, int], pattern: str | None, shared: bool
) -> None:
    wanted, seed = Pattern.parse(pattern) if pattern else None, prod(shape)
    taps: tuple[Taps, ...] = ((range(shape[3]), range(shape[4])),)
    if shape[3] == 3:
        taps = (([0, 2], range(shape[4])), ([1], range(shape[4])))
    factor = torch.rand(shape[0] * shape[1], dtype=torch.float64) - 0.3 if seed % 2 == 0 else None
    dtype = torch.float64 if shape[1] == 131 else torch.float32
    values = weight_of(shape, seed, dtype)
    weight = Weight(
        name="layer",
        kind=LayerKind.CONVOLUTION,
        shape=shape,
        read=lambda: values,
        parts=taps,
        factor=lambda: factor,
        shared=shared,
    )
    found, expected = nonzero_parts(weight, values, wanted), defined(values, wanted, taps, factor, shared)
    check(found[0], expected[0])
    check(found[1], expected[1])
    assert wanted or any(np.any(before != after) for before, after in zip(*expected, strict=True))


def test_half_of_a_step_stays_and_minus_half_does_not() -> None:
    """A value that rounds to half of a step in its own format lies on the side on which it lies in fact."""
    peaks = np.array([1.0, 254.0, 3.3, 1e-44], np.float32)
    half = peaks.astype(np.float64) / 254
    near = half.astype(np.float32)
    rows = [near, np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))]
    values = np.stack([peaks, *rows, *(-row for row in rows), np.zeros_like(peaks)])  # [C, K]
    tensor = torch.from_numpy(np.ascontiguousarray(values.T))[None, :, :, None, None]
    weight = Weight(name="layer", kind=LayerKind.LINEAR, shape=(1, 4, 8, 1, 1), read=lambda: tensor)
    expected = (values != 0) & ((values >= half) | (values < -half))
    (bits,) = nonzero_parts(weight, tensor, None)[1]
    np.testing.assert_array_equal(bits.packed("kh,kw,cin")(), expected)


def test_values_that_are_not_finite() -> None:
    tensor = torch.full((1, 2, 4, 1, 1), float("nan"))
    weight = Weight(name="layer", kind=LayerKind.LINEAR, shape=(1, 2, 4, 1, 1), read=lambda: tensor)
    with pytest.raises(InputError, match="layer layer: its weight holds NaN or infinite values"):
        nonzero_parts(weight, tensor, None)
