"""The digits network (untrained) as a program: its logits are the oracle's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.networks import digits_cnn
from skipbeat_models.quantise_graph import quantise_graph
from skipbeat_verify.interpreter import Interpreter

SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def network() -> Graph:
    return quantise_graph(digits_cnn.build_network(0), torch.rand(16, *SHAPE)).graph


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8", "edge-16x16", "edge-16x16-m8"])
def test_logits(network: Graph, preset: str) -> None:
    hw = load_hardware(preset)
    program = compile_network(network, hw)
    for seed in range(2):
        image = np.random.default_rng(seed).integers(0, 128, SHAPE, np.int8)
        memory = program.memory()
        program.write_input(memory, image)
        Interpreter(program, hw, memory, seed).run()
        np.testing.assert_array_equal(program.read_output(memory), run_graph(network, image)[network.output])
