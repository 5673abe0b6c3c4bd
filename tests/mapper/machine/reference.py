"""A graph by integer arithmetic: the oracle's convolutions, and the output stage from its formula."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skipbeat_arch.graph import Graph, Step
from skipbeat_models.oracle import integer_sums

Ints = npt.NDArray[np.int64]


def run_graph(graph: Graph, x: npt.NDArray[np.int8]) -> dict[str, Ints]:
    """Every tensor int64 [C, H, W] of an image int8 [C, H, W]."""
    values: dict[str, Ints] = {graph.input: x.astype(np.int64)}
    for step in graph.steps:
        values[step.output] = _run_step(step, values)
    return values


def _run_step(step: Step, values: dict[str, Ints]) -> Ints:
    layer, load = step.layer, step.convolution
    sums = integer_sums(layer, values[step.input].astype(np.int8)[None]) + layer.bias
    total = sums.T.reshape(load.c_out, *load.out_size)
    if layer.multiplier is None or layer.shift is None:
        return np.asarray(total, np.int64)
    product = total * layer.multiplier[:, None, None]
    if step.residual is not None and step.residual_multiplier is not None:
        product = product + values[step.residual] * step.residual_multiplier[:, None, None]
    shift = layer.shift[:, None, None]
    out = np.clip((product + (np.int64(1) << (shift - 1))) >> shift, layer.low, layer.high)
    window = step.window
    if window.kernel == (1, 1) and window.stride == (1, 1):
        return np.asarray(out, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(out, window.kernel, axis=(1, 2))
    strided = windows[:, :: window.stride[0], :: window.stride[1]]
    return np.asarray(strided.max(axis=(3, 4)), np.int64)
