"""A step beside the dense one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training_estimate import TrainingEstimate
from skipbeat_arch.training_model import Role, Training, TrainingModel
from skipbeat_mapper.estimate import KeptPrices
from skipbeat_mapper.training import PlannedStep, estimate_training
from tests.mapper.training.made_products import model

TINY = load_hardware("tiny-4x4")


@pytest.fixture(scope="module")
def priced() -> Callable[..., TrainingEstimate]:
    """Prices steps on the smallest machine, equal programs once for all tests here."""
    kept = KeptPrices()

    def price(steps: Sequence[PlannedStep], dense: TrainingModel, **options: Any) -> TrainingEstimate:
        return estimate_training(steps, dense, TINY, kept=kept, **options)

    return price


def planned(pattern: str, share: float = 1.0, *, backward: bool = True) -> PlannedStep:
    made = model(Pattern.parse(pattern), backward=backward)
    return PlannedStep(share=share, model=made, forward=pattern, backward=pattern, update="dense", limit=1.5)


def test_all_clocks_and_bytes_are_in_the_totals(priced: Callable[..., TrainingEstimate]) -> None:
    found = priced([planned("2:4")], model())
    (step,) = found.steps
    (layer,) = step.layers
    array = step.array
    assert array.cycles == layer.cycles == sum(cost.cycles for cost in layer.costs)
    others = sum(each.cost.cycles for each in step.traffic)
    assert step.of().cycles == array.cycles + others
    assert found.in_turn.cycles == step.of().cycles > found.array.cycles
    assert step.of(Role.HOST).read_bytes == 400
    assert found.array.cycles <= found.overlapped.cycles <= found.in_turn.cycles
    assert 1 < found.array.speedup < step.work_limit + 0.1
    assert found.energy_pj < found.energy_dense_pj


def test_the_dense_step_is_its_own_twin(priced: Callable[..., TrainingEstimate]) -> None:
    found = priced([planned("dense")], model())
    assert found.array.speedup == found.overlapped.speedup == found.in_turn.speedup == 1
    assert found.energy_pj == found.energy_dense_pj


def test_a_schedule_gives_the_mean_step(priced: Callable[..., TrainingEstimate]) -> None:
    parts = [planned("dense", 0.25), planned("2:4", 0.75)]
    found = priced(parts, model())
    dense, sparse = (step.of().cycles for step in found.steps)
    assert found.in_turn.cycles == 0.25 * dense + 0.75 * sparse
    assert found.in_turn.dense == dense


def test_what_is_missing_is_said(priced: Callable[..., TrainingEstimate]) -> None:
    found = priced([planned("2:4", backward=False)], model(backward=False))
    assert found.steps[0].layers[0].note == "nobody needs the gradient of its input"
    assert found.steps[0].of(Role.BACKWARD).cycles == 0
    alone = priced([planned("2:4")], model(), training=Training.FORWARD_ONLY)
    assert [cost.role for cost in alone.steps[0].layers[0].costs] == [Role.FORWARD]
    assert alone.steps[0].layers[0].note == ""


def test_hardware_without_an_accelerator_is_refused() -> None:
    with pytest.raises(InputError, match="power of two"):
        estimate_training([planned("2:4")], model(), load_hardware("tiny-4x4", ["array.rows=3"]))
