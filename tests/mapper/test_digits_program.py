"""The digits network (untrained) as a program: its logits are the oracle's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.compile import compile_network
from skipbeat_models import oracle
from skipbeat_models.lower import to_graph
from skipbeat_models.network import IntegerNetwork
from skipbeat_models.networks import digits_cnn
from skipbeat_models.quantise import quantise
from skipbeat_verify.interpreter import Interpreter

SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def network() -> IntegerNetwork:
    return quantise(digits_cnn.build_network(0), torch.rand(16, *SHAPE))


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8", "edge-16x16", "edge-16x16-m8"])
def test_logits(network: IntegerNetwork, preset: str) -> None:
    hw = load_hardware(preset)
    program = compile_network(to_graph(network), hw)
    for seed in range(2):
        image = np.random.default_rng(seed).integers(0, 128, SHAPE, np.int8)
        memory = program.memory()
        program.write_input(memory, image)
        Interpreter(program, hw, memory, seed).run()
        logits = oracle.run(network, image[None]).logits
        np.testing.assert_array_equal(program.read_output(memory).ravel(), logits[0])
