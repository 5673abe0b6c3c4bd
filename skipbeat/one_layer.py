"""One layer of a network as a network of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph
from skipbeat_models.graph_oracle import run_graph


def one_layer(graph: Graph, name: str, images: npt.NDArray[np.int8]) -> tuple[Graph, npt.NDArray[np.int8]]:
    """The graph of the step called `name` alone, and the int8 inputs [N, C, H, W] that the oracle gives it for images.

    Raises:
        InputError: there is no such step, or it adds a residual, so that it would have two inputs.
    """
    step = next((step for step in graph.steps if step.layer.name == name), None)
    if step is None:
        names = ", ".join(step.layer.name for step in graph.steps)
        raise InputError(f"layer {name}: the network has no such layer; expected one of {names}")
    if step.residual is not None:
        raise InputError(f"layer {name}: it adds {step.residual}; expected a layer with one input")
    tensors = (graph.tensor(step.input), graph.tensor(step.output))
    inputs = run_graph(graph, images)[step.input].astype(np.int8, copy=False)
    return Graph(tensors=tensors, steps=(step,), input=step.input, output=step.output), inputs
