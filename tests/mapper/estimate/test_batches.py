"""A batch is computed by as few programs as a network's images allow, and a reader is told."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_arch import budget
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.model import ModelDescription
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.estimate.batches import in_batches
from skipbeat_mapper.estimate.model import estimate_model
from skipbeat_models.sources import from_module
from skipbeat_sim.machine.run_machine import run_machine
from tests.mapper.estimate.priced_layers import with_weights

HW = load_hardware("tiny-4x4")


def described(*behind: nn.Module, images: int = 6) -> ModelDescription:
    """A small network of images."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3), *behind)
    return from_module(model, (torch.zeros(images, 2, 6, 6),), name="small")


def test_a_batch_is_one_program_and_takes_its_clocks() -> None:
    description = described()
    (run,) = in_batches(description, HW).runs
    assert (run.images, run.repeats) == (6, 1)
    machine, program = Machine.of(HW), compile_network(with_weights(run.graph(), seed=1), HW, 6)
    ran = run_machine(machine, program.memory(), program.address, program.count, max_clocks=400_000)
    found = estimate_model(description, HW)
    assert found.cycles == ran.cycles < 6 * estimate_model(described(images=1), HW).cycles
    assert [layer.macs for layer in found.layers] == [
        6 * layer.macs for layer in estimate_model(described(images=1), HW).layers
    ]


def test_a_batch_of_much_work_is_several_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = sum(budget.program_passes(conv, HW) for conv in described().runs[0].convolutions)
    monkeypatch.setattr(budget, "_PASSES_TOGETHER", 3 * passes)
    (run,) = in_batches(described(), HW).runs
    assert (run.images, run.repeats) == (3, 2)
    found = estimate_model(described(), HW)
    assert found.cycles == 2 * estimate_model(described(images=3), HW).cycles
    assert any(text.startswith("programs of 3 images run one after the other") for text in found.assumptions)


def test_where_the_host_has_operators_each_image_has_its_own_programs() -> None:
    description = described(nn.Softmax(dim=1))
    assert in_batches(description, HW) is description
