"""Where a layer's weight is not zero, a bit for each of its elements: what is asked of it is counted in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from skipbeat_arch.arrays import BoolArray, Bytes
from skipbeat_arch.pattern import Pattern, measured_pattern_of
from skipbeat_arch.workload import ReductionOrder

from ...weight_zeros import PackedZeros

#: Columns of a matrix that are looked at together: whole bytes of bits, and whole groups of outputs.
COLUMNS = 64


@dataclass(frozen=True, eq=False)
class ZeroBits:
    """A matrix of zeros and others.

    Attributes:
        bits: uint8 [kh * kw * C, ceil(groups * K / 8)], eight columns in a byte; the columns of all groups lie side by
            side.
        shape: of the weight, [groups, K, C, kh, kw].
    """

    bits: Bytes
    shape: tuple[int, int, int, int, int]

    @classmethod
    def empty(cls, shape: tuple[int, int, int, int, int]) -> ZeroBits:
        """One whose columns are still to be written."""
        groups, outputs, *reduced = shape
        return cls(np.empty((prod(reduced), -(-groups * outputs // 8)), np.uint8), shape)

    def write(self, start: int, nonzero: BoolArray) -> None:
        """Set columns from `start` on, which is a multiple of eight: bool [kh * kw * C, columns]."""
        packed = np.packbits(nonzero, axis=1)
        self.bits[:, start // 8 : start // 8 + packed.shape[1]] = packed

    @property
    def columns(self) -> int:
        """Outputs of all groups."""
        return self.shape[0] * self.shape[1]

    @property
    def size(self) -> int:
        """Elements."""
        return len(self.bits) * self.columns

    @property
    def count(self) -> int:
        """Elements that are not zero."""
        return int(np.bitwise_count(self.bits).sum(dtype=np.int64))

    @property
    def matrix_shape(self) -> tuple[int, ...]:
        """[C, K], or [groups, C, K] of more than one group."""
        shape = (len(self.bits), self.shape[1])
        return shape if self.shape[0] == 1 else (self.shape[0], *shape)

    def parts(self, order: ReductionOrder = "kh,kw,cin") -> Iterator[BoolArray]:
        """Columns side by side, bool [C, up to `COLUMNS`], with the reduction axis in this order."""
        bits = self._ordered(order)
        for start in range(0, self.columns, COLUMNS):
            stop = min(start + COLUMNS, self.columns)
            part = np.ascontiguousarray(bits[:, start // 8 : -(-stop // 8)])
            yield np.unpackbits(part, axis=1, count=stop - start).view(np.bool_)

    def across(self) -> Iterator[BoolArray]:
        """The same of the transposed matrix: bool [groups * K, up to `COLUMNS` rows]."""
        for start in range(0, len(self.bits), COLUMNS):
            part = np.unpackbits(self.bits[start : start + COLUMNS], axis=1, count=self.columns)
            yield np.ascontiguousarray(part.T).view(np.bool_)

    def pattern(self, order: ReductionOrder) -> Pattern:
        """What is measured along the reduction axis in this order."""
        return measured_pattern_of(self.parts(order))

    def packed(self, order: ReductionOrder) -> PackedZeros:
        """The bits of `matrix_shape`, row by row without a gap."""
        bits = self._ordered(order)
        if self.shape[0] == 1 and self.columns % 8 == 0:
            return PackedZeros.of_bits(self.matrix_shape, bits.reshape(-1))
        matrix = np.unpackbits(bits, axis=1, count=self.columns).reshape(len(bits), *self.shape[:2])
        return PackedZeros.of_bits(self.matrix_shape, np.packbits(matrix.swapaxes(0, 1)))

    def _ordered(self, order: ReductionOrder) -> Bytes:
        if order == "kh,kw,cin":
            return self.bits
        inputs, *taps = self.shape[2:]
        return np.ascontiguousarray(self.bits.reshape(prod(taps), inputs, -1).swapaxes(0, 1)).reshape(self.bits.shape)
