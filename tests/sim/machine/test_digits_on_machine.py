"""The digits network, compiled, on the model of the machine: the oracle's logits, and every clock accounted for."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.prepared import TrainedNetwork
from skipbeat_sim.machine.run_machine import run_machine
from tests.trained_networks import TrainedNetworks


@pytest.fixture(scope="module")
def prepared(networks: TrainedNetworks) -> TrainedNetwork:
    return networks.prepared("zoo:digits-cnn", "2:4")


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-16x16", "edge-16x16-m8"])
def test_logits(prepared: TrainedNetwork, preset: str) -> None:
    hw = load_hardware(preset)
    program = compile_network(prepared.graph, hw)
    memory = program.memory()
    program.write_input(memory, prepared.images[0])
    result = run_machine(Machine.of(hw), memory, program.address, program.count, max_clocks=100_000)
    assert (result.done, result.error) == (True, 0)
    expected = run_graph(prepared.graph, prepared.images[0])[prepared.graph.output]
    np.testing.assert_array_equal(program.read_output(result.memory), expected)
    assert result.clocks.cycles == result.cycles
    assert sum(len(result.spans[engine]) for engine in Engine) == program.count - 1
