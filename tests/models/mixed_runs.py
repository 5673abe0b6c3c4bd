"""What tests of networks between machine and host share: a run by the oracle, and how close it must be."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from torch import nn

from skipbeat_arch.graph import Graph
from skipbeat_models.mixed import Integers
from skipbeat_models.mixed_steps import Step
from skipbeat_models.quantise_mixed import QuantisedMixed
from tests.models.sources.described import describe

Numbers = np.ndarray[tuple[int, ...], np.dtype[np.int8]]


def run(
    quantised: QuantisedMixed, found: list[Graph] | None = None
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """What the oracle gives for the inputs of the quantisation; graphs of all maps that ran are added to `found`."""

    def execute(step: Step, x: Numbers, weight: Numbers | None) -> Integers:
        if found is not None:
            found.extend([quantised.graphs[step.name]] * len(x))
        return quantised.on_oracle(step, x, weight)

    return quantised.network.run(quantised.inputs, execute)


def assert_close(model: nn.Module, quantised: QuantisedMixed, *inputs: torch.Tensor) -> list[Graph]:
    """The integer network is close to the float network, and runs what is priced; its graphs, as they ran."""
    graphs = list[Graph]()
    found = run(quantised, graphs)
    with torch.no_grad():
        expected = model(*inputs).numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
    priced = describe(model, *inputs)
    macs = sum(node.convolution.macs for graph in graphs for node in graph.nodes)
    assert macs == sum(part.workload.macs * part.repeats for layer in priced.layers for part in layer.parts)
    assert len(graphs) == sum(each.images * each.repeats for each in priced.runs)
    layers = [layer for each in priced.runs for layer in each.layers * each.images * each.repeats]
    ran = [node.layer.name for graph in graphs for node in graph.nodes]
    recurrent = any(part.in_turn for layer in priced.layers for part in layer.parts)  # directions and layers in turn
    assert Counter(layers) == Counter(ran) if recurrent else layers == ran
    return graphs
