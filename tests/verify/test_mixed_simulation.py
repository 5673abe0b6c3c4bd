"""Transformers between machine and host: every program at all levels, and the logits bit for bit."""

from __future__ import annotations

import pytest
import torch

from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.estimate import estimate_model
from skipbeat_models.prepare_mixed import prepare_mixed
from skipbeat_models.prepared import PreparedMixed
from skipbeat_models.quantise_mixed import quantise_mixed
from skipbeat_verify.machine_simulation import machine_rtl
from skipbeat_verify.mixed_simulation import MixedSimulation
from tests.models.sources.described import Function, describe

NAMES = ("zoo:vit-tiny", "zoo:llama-tiny")


def simulated(prepared: PreparedMixed, *, cycle_model: bool = False, rtl: bool = False) -> MixedSimulation:
    hardware = load_hardware("edge-8x8")
    simulator = machine_rtl(hardware) if rtl else None
    return MixedSimulation(quantised=prepared.quantised, hardware=hardware, rtl=simulator, cycle_model=cycle_model)


@pytest.mark.parametrize("name", NAMES)
def test_the_cycle_model_takes_the_predicted_clocks(name: str) -> None:
    prepared = prepare_mixed(name, "2:4")
    simulation = simulated(prepared, cycle_model=True)
    simulation.run(prepared.inputs[0])
    assert simulation.logits_exact
    assert all(run.agrees and run.model is not None for run in simulation.runs)
    assert len(simulation.runs) == len(simulation.ran) > 10


@pytest.mark.slow  # a machine is compiled
@pytest.mark.parametrize("name", NAMES)
def test_programs_run_on_the_rtl(name: str) -> None:
    prepared = prepare_mixed(name, "2:4", count=2)
    simulation = simulated(prepared, rtl=True)
    for given in prepared.inputs:
        simulation.run(given)
    assert simulation.logits_exact
    assert all(run.agrees and run.rtl is not None for run in simulation.runs)


def test_a_wrong_output_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logits are compared with what the oracle gives, whatever a program said of itself."""
    prepared = prepare_mixed("zoo:vit-tiny", "2:4")
    simulation = simulated(prepared)
    honest = simulation._execute
    monkeypatch.setattr(simulation, "_execute", lambda step, x, weight: honest(step, x, weight) ^ 64)
    simulation.run(prepared.inputs[0])
    assert not simulation.logits_exact


def test_zeros_of_activations_save_no_clock() -> None:
    """What a product takes is told before its operands are known: `estimate` and `simulate` say the same."""

    def weighted(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x @ torch.nn.functional.relu(torch.sin(x @ weight) - 0.9)

    torch.manual_seed(0)
    x, model = torch.randn(2, 24, 24), Function(weighted, weight=torch.eye(24))
    quantised = quantise_mixed(model, (x,))
    simulation = MixedSimulation(quantised=quantised, hardware=load_hardware("edge-8x8"), rtl=None, cycle_model=True)
    simulation.run((x,))
    estimate = estimate_model(describe(model, x), load_hardware("edge-8x8"))
    assert simulation.logits_exact
    assert all(run.agrees for run in simulation.runs)
    assert sum(run.timing.cycles for run in simulation.runs) == estimate.cycles
    assert len(simulation.programs) == 2
    assert simulation.ran == [step.name for step in quantised.network.steps]
    assert [simulation.programs[name].images for name in simulation.ran] == [1, 2]
