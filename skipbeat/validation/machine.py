"""Cycles of the whole machine, memory included, for work that keeps an N:M pattern exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.model import ModelRun
from skipbeat_arch.workload import Workload, one_image
from skipbeat_mapper.estimate.run_prices import RunPricer
from skipbeat_mapper.layer_graph import layer_graph, weight_shape
from skipbeat_mapper.references.work import Ratio


def machine_cycles(layers: Sequence[Workload], sparse: Ratio, hw: Hardware, *, first: Ratio | None = None) -> int:
    """Cycles of layers one after the other, each a program of its own from memory to memory.

    Args:
        layers: their weights keep the first N of each M along the reduction axis.
        first: what the first layer keeps, if it is something else.
    """
    pricer = RunPricer(hw)
    ratios = [first or sparse, *[sparse] * (len(layers) - 1)]
    return sum(_cycles(pricer, layer, ratio) for layer, ratio in zip(layers, ratios, strict=True))


def _cycles(pricer: RunPricer, layer: Workload, ratio: Ratio) -> int:
    conv, images = one_image(layer)
    shape = weight_shape(conv)
    kept = np.arange(shape[-2]) % ratio[1] < ratio[0]
    weight = np.broadcast_to(kept.astype(np.int8)[:, None], shape).copy()
    run = ModelRun(
        key=(conv, ratio),
        structure=conv,
        graph=lambda: layer_graph(conv, weight, "validation"),
        names=("validation",),
        layers=("validation",),
    )
    return images * pricer.as_it_is(run).cycles
