"""Cycles of the core, with ideal ports, for work that keeps an N:M pattern exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Workload, one_image
from skipbeat_mapper.ideal_ports import core_clocks
from skipbeat_mapper.layer_graph import layer_graph, weight_shape
from skipbeat_mapper.memory_map import memory_map
from skipbeat_mapper.program.lowering import lower
from skipbeat_mapper.rearranging.input_folding import fold_input
from skipbeat_mapper.references.work import Ratio


def pattern_cycles(workload: Workload, sparse: Ratio, hw: Hardware) -> int:
    """Cycles of a layer whose weights keep the first N of each M along the reduction axis; N = M is dense.

    They are those of the passes of its program of the machine, offered to the core's four ports. Which N are kept does
    not change the cycles: a pass takes as many steps as its fullest group.
    """
    machine = Machine.of(hw)
    conv, images = one_image(workload)
    n, m = sparse
    shape = weight_shape(conv)
    kept = np.arange(shape[-2]) % m < n
    weight = np.broadcast_to(kept.astype(np.int8)[:, None], shape).copy()
    graph, _ = fold_input(layer_graph(conv, weight, "validation"), machine)
    return images * core_clocks(lower(memory_map(graph, machine), "validation"), hw)


def model_cycles(layers: Sequence[Workload], sparse: Ratio, hw: Hardware) -> int:
    """Cycles of layers one after the other; the first one is dense, as the field leaves it."""
    first, *others = layers
    return pattern_cycles(first, (1, 1), hw) + sum(pattern_cycles(other, sparse, hw) for other in others)
