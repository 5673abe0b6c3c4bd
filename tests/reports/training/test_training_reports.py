"""A made-up training step in the terminal, as JSON and as a page."""

from __future__ import annotations

import io

import pytest

from skipbeat_arch.effort import Effort
from skipbeat_arch.training_estimate import Clocks, RoleCost, StepCost, Traffic, TrainedLayerCost, TrainingEstimate
from skipbeat_arch.training_model import Role, Training
from skipbeat_reports.schemas import RESULTS
from skipbeat_reports.training import layer_rows, print_training, render_page, to_json
from tests.reports.estimate.estimates import HOSTILE


def role(which: Role, cycles: int, dense: int) -> RoleCost:
    return RoleCost(
        role=which,
        pattern="2:8",
        cycles=cycles,
        cycles_dense=dense,
        macs=100 * cycles,
        macs_dense=100 * dense,
        read_bytes=1000,
        written_bytes=500,
        energy_pj=4.0 * cycles,
        energy_dense_pj=4.0 * dense,
        output_stationary=cycles,
        output_stationary_dense=dense,
    )


@pytest.fixture
def estimate() -> TrainingEstimate:
    stem = (role(Role.FORWARD, 500, 500), role(Role.UPDATE, 500, 500))
    rest = (role(Role.FORWARD, 1000, 4000), role(Role.BACKWARD, 1000, 4000), role(Role.UPDATE, 4000, 4000))
    layers = (
        TrainedLayerCost(name=f"stem{HOSTILE}", kind="conv", shape="8x3x3x3", costs=stem, note="no gradient is needed"),
        TrainedLayerCost(name="conv", kind="conv", shape="8x8x3x3", costs=rest),
    )
    norm = Traffic(what="aten.batch_norm, forward", within=Role.FORWARD, cost=role(Role.HOST, 300, 300))
    steps = tuple(
        StepCost(
            share=0.5,
            forward=forward,
            backward=forward,
            update="dense",
            limit=limit,
            layers=layers,
            traffic=(norm,),
            overlapped=Clocks(cycles=7100, dense=13_000),
        )
        for forward, limit in (("2:8", 2.0), ("4:8", 1.5))
    )
    return TrainingEstimate(
        model=f"made{HOSTILE}",
        hardware="train-32x32",
        clock_mhz=200,
        clock_source="assumed",
        pes=1024,
        effort=Effort.NORMAL,
        batch=256,
        training=Training.BACKPROPAGATION,
        weights=1000,
        steps=steps,
        energy_table="a table",
        assumptions=("something is assumed",),
    )


def test_the_mean_step_has_three_totals(estimate: TrainingEstimate) -> None:
    assert (estimate.array.cycles, estimate.array.dense) == (7000, 13_000)
    assert estimate.in_turn.cycles == 7300
    assert estimate.limit == pytest.approx(1 / (0.5 / 2 + 0.5 / 1.5))


def test_json_is_that_of_its_schema(estimate: TrainingEstimate) -> None:
    found = to_json(estimate)
    RESULTS["train-estimate"].model_validate(found)
    assert found["total"]["in_turn"]["speedup"] == pytest.approx(13_300 / 7300)
    assert len(layer_rows(estimate)) == 10


def test_the_terminal_says_what_a_figure_is(estimate: TrainingEstimate) -> None:
    file = io.StringIO()
    print_training(estimate, file)
    text = file.getvalue()
    for said in ("one after the other", "a figure of its abstract", "output-stationary", "no gradient is needed"):
        assert said in text
    assert "\x1b" not in text


def test_names_on_the_page_are_text(estimate: TrainingEstimate) -> None:
    page = render_page(estimate)
    assert "<script>alert" not in page
    assert "something is assumed" in page
    assert page.count("<tfoot>") == 2
    assert "1.75×" in page
