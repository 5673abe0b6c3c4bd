"""The products of a layer that trains as convolutions with an operand that stays in the array.

Forward and backward are one of bytes with the layer's weight; backward with a stride is one for each phase of it. The
update's operand is dY, which the mapper cuts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.workload import Convolution

from ..gradients.gradient_products import flat, input_gradient, ungrouped
from ..reduction import stationary_matrix
from .training_products import Geometry, Shape
from .vectors import Element, Elements


@dataclass(frozen=True, kw_only=True, eq=False)
class StationaryProduct:
    """A convolution of one image, what it reads, and what stays in the array.

    Attributes:
        x: int8 [N, C, H, W]. weight: int8 [C, K], or [groups, C / groups, K / groups].
        places: first row and column of its results in the whole, and the steps between them.
    """

    workload: Convolution
    x: Int8Array
    weight: Int8Array
    places: tuple[int, int, int, int] = (0, 0, 1, 1)

    def put(self, whole: Elements[Element], found: Elements[Element]) -> None:
        """Writes its results [N, K, H, W] to their places in the whole; its pixels may be the results' channels."""
        if found.shape[1] != whole.shape[1]:
            whole[...] = found.reshape(whole.shape)
            return
        row, column, down, across = self.places
        whole[:, :, row::down, column::across] = found

    def taken(self, whole: Elements[Element]) -> Elements[Element]:
        """The inverse of `put`: what it would write to have the whole."""
        outputs = self.workload.c_out
        if outputs != whole.shape[1]:
            return whole.reshape(len(whole), outputs, 1, 1)
        row, column, down, across = self.places
        return whole[:, :, row::down, column::across]


def forward_product(x: Int8Array, weight: Int8Array, geometry: Geometry) -> StationaryProduct:
    """Y = X · W."""
    conv = geometry.convolution(x.shape, weight.shape)
    return StationaryProduct(workload=conv, x=x, weight=stationary_matrix(torch.from_numpy(weight), conv.groups))


def backward_products(
    layer: str, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape
) -> Iterator[StationaryProduct]:
    """dX = dY · W^T of an input of `shape`; a kernel over the whole map gives its pixels as channels."""
    conv = geometry.convolution(shape, weight.shape)
    if flat(conv) != conv:
        weight, gradient = weight.reshape(len(weight), -1, 1, 1), gradient.reshape(len(gradient), -1, 1, 1)
    split = weight.reshape(conv.groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    kernel = torch.from_numpy(np.ascontiguousarray(split.reshape(-1, *split.shape[2:])))
    for part in input_gradient(layer, conv):
        rows, columns = (list(taps) for taps in part.taps)
        own = kernel[:, :, rows][:, :, :, columns]
        yield StationaryProduct(
            workload=part.workload,
            x=_given(gradient, part.pads),
            weight=stationary_matrix(own, conv.groups),
            places=part.places,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class UpdateProduct:
    """dW = X^T · dY of a convolution without channel groups, or of some groups side by side.

    Attributes:
        workload: of one image. x: int8 [N, C, H, W]. gradient: int8 [N, K, H', W'].
        groups: that stand side by side; only the products within one are used.
    """

    workload: Convolution
    x: Int8Array
    gradient: Int8Array
    groups: int

    def kept(self, found: Int64Array) -> Int64Array:
        """Of the sums [K, C, kh, kw] those within groups, [K, C / groups, kh, kw]."""
        split = found.reshape(self.groups, -1, self.groups, found.shape[1] // self.groups, *found.shape[2:])
        return np.concatenate([split[group, :, group] for group in range(self.groups)])


def update_products(
    x: Int8Array, gradient: Int8Array, geometry: Geometry, shape: Shape, columns: int
) -> Iterator[UpdateProduct]:
    """dW = X^T · dY: its output channels one part after the other; `columns`: outputs of a tile."""
    conv = geometry.convolution(x.shape, shape)
    load, _ = ungrouped(conv, columns)
    if flat(conv) != conv:
        x = x.reshape(len(x), -1, 1, 1)
    groups = conv.groups
    inputs, outputs = x.shape[1] // groups, gradient.shape[1] // groups
    together = load.c_out // outputs
    for first in range(0, groups, together):
        several = range(first, min(first + together, groups))
        yield UpdateProduct(
            workload=Convolution(
                batch=1,
                c_in=inputs * len(several),
                c_out=outputs * len(several),
                height=load.height,
                width=load.width,
                kernel=load.kernel,
                stride=load.stride,
                padding=load.padding,
                dilation=load.dilation,
            ),
            x=x[:, several.start * inputs : several.stop * inputs],
            gradient=gradient[:, several.start * outputs : several.stop * outputs],
            groups=len(several),
        )


def _given(maps: Int8Array, pads: tuple[int, int, int, int]) -> Int8Array:
    """Maps with zeros above, below, left and right, or without as many lines."""
    above, below, left, right = pads
    grown = np.pad(maps, ((0, 0), (0, 0), (max(above, 0), max(below, 0)), (max(left, 0), max(right, 0))))
    height, width = grown.shape[2:]
    return grown[:, :, max(-above, 0) : height - max(-below, 0), max(-left, 0) : width - max(-right, 0)]
