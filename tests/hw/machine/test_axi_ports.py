"""The accelerator's AXI ports against the independent models of cocotbext-axi, under the rules of `axi_rules`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.machine import Machine
from skipbeat_hw.simulation.cocotb_runner import run_cocotb
from skipbeat_hw.tools.verilog import accelerator_verilog
from skipbeat_mapper.compile import compile_network
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_verify.machine_simulation import model_counters
from tests.hw.machine.axi_scenarios import FOLDER_VARIABLE, PORT_VARIABLE, TIMELESS, Scenario, hardware
from tests.mapper.networks import Builder
from tests.mapper.reference import run_graph
from tests.sim.machine.hand_programs import convolution
from tests.sim.machine.machine_programs import MachineProgram

PORTS = ["clk", "rst", "interrupt_o", "m_axi_*", "s_axi_*"]
ALL = ["axi_runs", "axi_errors", "axi_registers"]
#: Enough for a run under any memory.
MOST_CLOCKS = 100_000
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine.of(hardware())


@pytest.fixture(scope="module")
def verilog(machine: Machine) -> str:
    return accelerator_verilog(machine)


@pytest.fixture(scope="module")
def short(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short program."""
    folder, layer = tmp_path_factory.mktemp("scenarios"), convolution(machine)
    scenario(machine, 0, layer.count, layer.memory).save(folder, "short")
    return folder


@pytest.fixture(scope="module")
def scenarios(machine: Machine, short: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled network of two layers, random programs whose transfers begin anywhere in a burst, and a short one."""
    folder = tmp_path_factory.mktemp("scenarios")
    shutil.copy(short / "short.npz", folder)
    network(machine).save(folder, "network")
    for seed in range(2):
        program = MachineProgram.random(machine, np.random.default_rng(seed), 2)
        made = scenario(machine, 0, len(program.instructions), program.memory)
        np.testing.assert_array_equal(made.after, program.after)
        made.save(folder, f"random{seed}")
    return folder


def network(machine: Machine) -> Scenario:
    """8 channels of 6×5 to 12 and, with a second layer, to 6."""
    rng = np.random.default_rng(3)
    builder = Builder((8, 6, 5), rng)
    builder.convolution(12, (3, 3), padding=(1, 1))
    builder.convolution(6, (1, 1))
    graph = builder.graph()
    program = compile_network(graph, machine.hw)
    memory = program.memory()
    memory[program.image.size :] = rng.integers(0, 256, memory.size - program.image.size, np.uint8)
    x = rng.integers(-128, 128, graph.tensor(graph.input).shape, np.int8)
    program.write_input(memory, x)
    made = scenario(machine, program.address, program.count, memory)
    expected = run_graph(graph, x)
    for place in program.tensors[1:]:
        np.testing.assert_array_equal(program.read_tensor(made.after, place), expected[place.name])
    return made


def scenario(machine: Machine, address: int, count: int, memory: Bytes) -> Scenario:
    """A program with what it leaves by the cycle model."""
    run = run_machine(machine, memory, address, count, max_clocks=MOST_CLOCKS)
    assert (run.done, run.error) == (True, 0)
    known = model_counters(run, machine)
    counters = {counter: known[counter] for counter in TIMELESS}
    return Scenario(address=address, count=count, before=memory, after=run.memory, counters=counters)


def check(
    verilog: str,
    scenarios: Path,
    module: str,
    seed: int,
    rounds: int = 1,
    simulator: Literal["verilator", "icarus"] = "verilator",
    port: str = "null",
) -> None:
    """All tests of a module pass."""
    env = {FOLDER_VARIABLE: str(scenarios), PORT_VARIABLE: port}
    env |= {"SKIPBEAT_AXI_ROUNDS": str(rounds), "COCOTB_LOG_LEVEL": "WARNING"}
    name = f"tests.hw.machine.{module}"
    result = run_cocotb(verilog, "accelerator", name, PORTS, simulator, env, seed)
    assert (result.passed > 0, result.failed) == (True, 0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("seed", "rounds"), [(1, 1), *((seed, 3) for seed in range(2, 6))])
@pytest.mark.parametrize("module", ALL)
def test_ports(verilog: str, scenarios: Path, module: str, seed: int, rounds: int) -> None:
    check(verilog, scenarios, module, seed, rounds)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("module", ["axi_runs", "axi_errors"])
def test_ports_wider_than_a_beat(scenarios: Path, module: str) -> None:
    """The same programs: the models of the memory know narrow transfers."""
    check(accelerator_verilog(Machine.of(hardware("16"))), scenarios, module, 1, port="16")


@needs_icarus
def test_registers_on_icarus(verilog: str, short: Path) -> None:
    """The quick one: on Icarus nothing is compiled for a minute."""
    check(verilog, short, "axi_registers", 1, simulator="icarus")


@needs_icarus
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("module", [name for name in ALL if name != "axi_registers"])
def test_ports_on_icarus(verilog: str, scenarios: Path, module: str) -> None:
    check(verilog, scenarios, module, 1, simulator="icarus")
