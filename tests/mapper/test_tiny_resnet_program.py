"""The tiny ResNet's program: residuals, strides, projection, depthwise and average pooling, tensor by tensor."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.compile import compile_network
from skipbeat_models.digits_data import load_data
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.networks import tiny_resnet
from skipbeat_models.pruners.layers import apply_masks
from skipbeat_models.pruners.magnitude import magnitude_masks
from skipbeat_models.quantise_graph import QuantisedGraph, quantise_graph
from skipbeat_verify.interpreter import Interpreter


@pytest.fixture(scope="module")
def pruned() -> tuple[QuantisedGraph, Int8Array]:
    """The graph of the untrained network, pruned to 2:4, and a test image."""
    model, data = tiny_resnet.build_network(5), load_data()
    apply_masks(model, magnitude_masks(model, "2:4"))
    quantised = quantise_graph(model, data.train_images[:50])
    return quantised, quantised.quantise_images(data.test_images[:1].numpy())[0]


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8", "edge-16x16", "edge-16x16-m8"])
def test_every_tensor_is_the_oracles(preset: str, pruned: tuple[QuantisedGraph, Int8Array]) -> None:
    (quantised, image), hw = pruned, load_hardware(preset)
    program = compile_network(quantised.graph, hw)
    memory = program.memory()
    program.write_input(memory, image)
    Interpreter(program, hw, memory, 0).run()
    expected = run_graph(quantised.graph, image)
    read_again = {node.residual for node in quantised.graph.nodes if node.residual}
    assert read_again < {place.name for place in program.tensors} < set(expected)
    for place in program.tensors[1:]:
        assert expected[place.name].any()
        np.testing.assert_array_equal(program.read_tensor(memory, place), expected[place.name], err_msg=place.name)
