"""Numbers of layers that are several runs: phases of a transposed convolution, which share scales; stacked weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.workload import Convolution, one_image

from .mixed_steps import ALL_PLACES
from .quantise_layer import Scales, quantise_layer
from .reduction import stationary_matrix, weight_from_matrix
from .sources.graphs.constants import Constants
from .sources.layers.convolutions import ConvolutionCall, ConvolutionPart, workloads
from .sources.layers.reading import Reading, bias_of


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedPhase:
    """One phase, for one image; or one product.

    Attributes:
        pads, places: see `RunStep`. images: that the call has.
        out_scale: real value of one unit of its results.
    """

    graph: Graph
    pads: tuple[int, int, int, int]
    places: tuple[int, int, int, int]
    images: int
    out_scale: float


def quantise_phases(reading: Reading, constants: Constants, scale: float, out_scale: float) -> Iterator[QuantisedPhase]:
    """The phases of a transposed convolution, or a convolution of three dimensions as the one that it is run as.

    Args:
        scale, out_scale: real value of one unit of what it reads and, at least, of what it gives.

    Raises:
        InputError: weights that are not finite, sums that could leave int32, or outputs that only the bias reaches,
            because the kernel is smaller than the stride.
    """
    name, call = reading.names[0], reading.convolution
    (constant,) = reading.constants
    assert call is not None
    assert constant is not None
    parts = workloads(name, call)
    if call.transposed and len(parts) < prod(map(min, call.stride, call.out_size)):
        raise InputError(f"layer {name}: a transposed convolution with outputs that no tap reaches is not run yet")
    inputs, outputs = call.c_in // call.groups, call.c_out // call.groups
    weight = constant.numbers()
    if call.transposed:
        weight = weight.reshape(call.groups, inputs, outputs, *call.kernel).transpose(1, 2)
    weight = weight.reshape(call.c_out, inputs, *call.kernel)
    bias = bias_of(reading.operator)
    added = constants.find(bias) if bias is not None else None
    after = call.transposed and call.depth is not None  # the host adds it, to sums of several slices
    numbers = torch.zeros(call.c_out) if added is None or after else added.numbers().reshape(-1)
    whole = quantise_layer(name, weight, numbers, _whole(call), Scales(input=scale, output=out_scale))
    kernel = _kernel(whole.layer, weight.shape)
    for part in parts:
        yield QuantisedPhase(
            graph=_graph(whole.layer, kernel, part),
            pads=part.pads,
            places=part.places,
            images=call.batch,
            out_scale=whole.scale,
        )


def quantise_stacked(
    reading: Reading, constants: Constants, scale: float, out_scale: float
) -> Iterator[QuantisedPhase]:
    """Matrix products with one stored weight after the other.

    Args:
        scale, out_scale: as of `quantise_phases`.

    Raises:
        InputError: weights that are not finite, or sums that could leave int32.
    """
    name, product = reading.names[0], reading.product
    (constant,) = reading.constants
    assert product is not None
    assert constant is not None
    workload = Convolution(batch=1, c_in=product.c, c_out=product.k, height=1, width=product.p, kernel=(1, 1))
    given = Tensor(name="input", channels=product.c, height=1, width=product.p)
    for weight in product.matrices(constant.numbers()):
        kernel, bias = weight.t()[..., None, None], torch.zeros(product.k)
        found = quantise_layer(name, kernel, bias, workload, Scales(input=scale, output=out_scale))
        yield QuantisedPhase(
            graph=Graph.of(given, [Node(layer=found.layer, input="input", output="output")]),
            pads=(0, 0, 0, 0),
            places=ALL_PLACES,
            images=1,
            out_scale=found.scale,
        )


def _whole(call: ConvolutionCall) -> Convolution:
    """A convolution with the whole kernel."""
    height, width = call.kernel
    return Convolution(
        batch=1, c_in=call.c_in, c_out=call.c_out, height=height, width=width, kernel=call.kernel, groups=call.groups
    )


def _kernel(layer: IntegerLayer, shape: tuple[int, ...]) -> torch.Tensor:
    """The integer weight [K, C / groups, kh, kw] of a layer."""
    weight = layer.weight
    matrix = weight if weight.ndim == 2 else weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
    return weight_from_matrix(torch.from_numpy(np.ascontiguousarray(matrix)), shape)


def _graph(layer: IntegerLayer, kernel: torch.Tensor, part: ConvolutionPart) -> Graph:
    """The node of a phase, which has some of the kernel's taps."""
    workload, _ = one_image(part.workload)
    rows, cols = (list(taps) for taps in part.taps)
    matrix = stationary_matrix(kernel[:, :, rows][:, :, :, cols], workload.groups)
    own = replace(layer, workload=workload, weight=matrix)
    given = Tensor(name="input", channels=workload.c_in, height=workload.height, width=workload.width)
    return Graph.of(given, [Node(layer=own, input="input", output="output")])
