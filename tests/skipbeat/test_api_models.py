"""The Python API on a user's own small models."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import nn

import skipbeat
from skipbeat import api
from skipbeat_arch.errors import InputError


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32, 4),
    )


def test_the_examples_in_its_documentation() -> None:
    result = doctest.testmod(api)
    assert result.attempted >= 15
    assert result.failed == 0


def test_a_pruned_model_costs_what_pruning_on_the_way_costs() -> None:
    model, inputs = network(), torch.zeros(1, 3, 8, 8)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    pruned = skipbeat.estimate(skipbeat.prune(model, "1:4", example_inputs=inputs), inputs, "edge-8x8")
    asked = skipbeat.estimate(model, (inputs,), skipbeat.load_hardware("edge-8x8"), prune="1:4")
    found, wanted = skipbeat.to_json(pruned), skipbeat.to_json(asked)
    # Where they come from differs: one was asked to prune.
    assert found | {"provenance": None} == wanted | {"provenance": None}
    assert [layer.pattern for layer in asked.layers] == ["dense", "1:4", "1:4"]
    assert asked.model == "Sequential"
    assert asked.cycles < asked.cycles_dense == skipbeat.estimate(model, inputs, "edge-8x8").cycles
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


def test_wanda_chooses_by_calibration_data() -> None:
    layer = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    calibration = [torch.tensor([[100.0, 1.0, 1.0, 1.0]])]
    kept = skipbeat.prune(layer, "1:4", method="wanda", calibration=calibration).weight
    assert kept.tolist() == [[1.0, 0.0, 0.0, 0.0]]
    assert skipbeat.prune(layer, "1:4").weight.tolist() == [[0.0, 0.0, 0.0, 4.0]]
    with pytest.raises(InputError, match="expected calibration data"):
        skipbeat.prune(layer, "1:4", method="wanda")


def test_the_simulated_run_takes_the_compiled_program_s_cycles(tmp_path: Path) -> None:
    model, images = network(), torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    run = skipbeat.simulate(skipbeat.prune(model, "2:4", example_inputs=images), images, "tiny-4x4", images=images[:2])
    assert run.agrees
    assert run.bit_exact
    assert run.rtl is None
    assert run.model is not None
    assert run.model.cycles == run.timing.cycles > 0
    program = skipbeat.compile(model, images, "tiny-4x4", images=2)
    assert (program.hardware, program.images) == ("tiny-4x4", 2)
    skipbeat.save_program(program, tmp_path / "own.skb")
    assert skipbeat.load_program(tmp_path / "own.skb").count == program.count


def test_wrong_arguments() -> None:
    model, inputs = network(), torch.zeros(1, 3, 8, 8)
    with pytest.raises(InputError, match="hardware 7: expected a preset"):
        skipbeat.estimate(model, inputs, cast("str", 7))
    with pytest.raises(InputError, match="edge-17x17: no such preset"):
        skipbeat.estimate(model, inputs, "edge-17x17")
    with pytest.raises(InputError, match="expected dense, N:M"):
        skipbeat.estimate(model, inputs, prune="half")
    with pytest.raises(InputError, match="energy table nobody"):
        skipbeat.estimate(model, inputs, table="nobody")
    with pytest.raises(InputError, match="does not export"):
        skipbeat.estimate(model, torch.zeros(1, 4, 8, 8))
    with pytest.raises(InputError, match="calibration data"):
        skipbeat.compile(model, torch.zeros(3, 8, 8))


def test_a_speed_up_above_that_of_its_work_is_said_and_counts_in_the_limit() -> None:
    """With every weight the last layers wait for their tiles, which pruning saves too."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 96, 1), nn.Conv2d(96, 96, 1), nn.Conv2d(96, 96, 1))
    found = skipbeat.estimate(model, torch.zeros(1, 3, 13, 13), "edge-8x8", prune="2:4")
    assert all(layer.speedup <= layer.speedup_limit for layer in found.layers)
    above = [layer.name for layer in found.layers if layer.speedup_limit > layer.work_limit]
    assert above
    said = next(each for each in found.assumptions if "above that of their multiply-accumulates" in each)
    assert all(name in said for name in above)
