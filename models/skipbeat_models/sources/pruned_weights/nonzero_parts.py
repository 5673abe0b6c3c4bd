"""Where the parts of a weight and of its integers are not zero, found some output channels at a time."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch

from skipbeat_arch.arrays import BoolArray, FloatArray, Floats
from skipbeat_arch.pattern import Pattern

from ...masks import nm_mask, prune_mask
from .weight_arrays import Weight, check_finite, part_of, parts_of
from .zero_bits import COLUMNS, ZeroBits


def nonzero_parts(
    weight: Weight, values: torch.Tensor, wanted: Pattern | None
) -> tuple[list[ZeroBits], list[ZeroBits]]:
    """Where the values of each part are not zero after pruning, and where their int8 weights are not.

    A channel's largest weight becomes 127 (see `quantise_layer`), so that those below half of a step become zero.

    Args:
        wanted: what to prune to.

    Raises:
        InputError: a value that is not finite.
    """
    parts = [_Part(part_of(values, taps, weight.name), wanted, weight.name) for taps in parts_of(weight)]
    factor = weight.factor()
    scale = None if factor is None or factor.is_meta else factor.numpy().reshape(-1)
    starts = range(0, parts[0].columns, COLUMNS)
    whole = max(_peaks(parts, start, scale).max() for start in starts) if weight.shared else None
    found = [(ZeroBits.empty(part.shape), ZeroBits.empty(part.shape)) for part in parts]
    for start in starts:
        peaks = _peaks(parts, start, scale) if whole is None else whole
        for part, (kept, rounded) in zip(parts, found, strict=True):
            matrix, nonzero = part.read(start)
            kept.write(start, nonzero)
            rounded.write(start, nonzero & _survives(_scaled(matrix, start, scale), peaks))
    return [kept for kept, _ in found], [rounded for _, rounded in found]


class _Part:
    """A part of a weight [groups, K, C, kh, kw] in columns, of which the last that were read are kept."""

    def __init__(self, values: torch.Tensor, wanted: Pattern | None, name: str) -> None:
        groups, outputs, inputs, rows, cols = values.shape
        self.shape = (groups, outputs, inputs, rows, cols)
        self.columns = groups * outputs
        self._values, self._wanted = values.reshape(self.columns, inputs, rows * cols), wanted
        #: The largest magnitude of each column, if that stays: that of any group of rows does, if one of it stays.
        self.peaks: Floats | None = None
        if wanted is None or (wanted.kind == "nm" and wanted.n > 0):
            columns = self._values.flatten(1)
            self.peaks = torch.maximum(columns.amax(dim=1), -columns.amin(dim=1)).numpy()
        check_finite(self._values.numpy() if self.peaks is None else self.peaks, name)
        # Only groups of rows are chosen in each column for itself.
        self._mask = None
        if wanted is not None and wanted.kind != "nm":
            self._mask = prune_mask(self._matrix(0, self.columns), wanted)
        self._last: tuple[int, Floats, BoolArray] | None = None

    def read(self, start: int) -> tuple[Floats, BoolArray]:
        """Columns from `start` on: values [kh * kw * C, up to `COLUMNS`], and which of them stay and are not zero."""
        if self._last is None or self._last[0] != start:
            stop = min(start + COLUMNS, self.columns)
            matrix = self._matrix(start, stop)
            nonzero: BoolArray = matrix != 0
            if self._mask is not None:
                nonzero &= self._mask[:, start:stop]
            elif self._wanted is not None:
                nonzero &= nm_mask(np.abs(matrix), self._wanted.n, self._wanted.m)
            self._last = (start, matrix, nonzero)
        return self._last[1:]

    def _matrix(self, start: int, stop: int) -> Floats:
        _, inputs, taps = self._values.shape
        # Torch transposes two axes block by block, so that no line of the processor's cache is read twice.
        matrix: Floats = self._values[start:stop].reshape(stop - start, -1).t().contiguous().numpy()
        if taps == 1:
            return matrix
        by_taps = matrix.reshape(inputs, taps, -1).swapaxes(0, 1)
        return np.ascontiguousarray(by_taps).reshape(prod(self.shape[2:]), -1)


def _peaks(parts: Sequence[_Part], start: int, scale: Floats | None) -> Floats:
    """The largest magnitude that stays in each column from `start` on."""
    found = []
    for part in parts:
        if part.peaks is not None:
            largest = part.peaks[start : start + COLUMNS]
            found.append(largest if scale is None else largest * np.abs(scale[start : start + COLUMNS]))
            continue
        matrix, nonzero = part.read(start)
        kept = _scaled(matrix, start, scale) * nonzero
        found.append(np.maximum(kept.max(axis=0), -kept.min(axis=0)))
    peaks: Floats = np.max(found, axis=0)
    return peaks


def _scaled(matrix: Floats, start: int, scale: Floats | None) -> Floats:
    return matrix if scale is None else matrix * scale[start : start + matrix.shape[1]]


def _survives(matrix: Floats, peaks: Floats) -> BoolArray:
    """Which values are half of a step or more, or less than minus that, so that they do not become zero."""
    half: FloatArray = np.asarray(peaks, np.float64) / (2 * 127)
    half = np.where(half > 0, half, np.inf)
    # The same in the values' own format: the least of its numbers that is no less, and the largest that is no more.
    near = half.astype(matrix.dtype)
    above = np.where(near < half, np.nextafter(near, np.inf, dtype=near.dtype), near)
    below = np.where(near > half, np.nextafter(near, -np.inf, dtype=near.dtype), near)
    survives: BoolArray = (matrix >= above) | (matrix < -below)
    return survives
