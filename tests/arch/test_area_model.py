"""The fitted area: least squares of relative errors, and an error that is of machines that were left out."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.area_model import RESOURCES, area_fits, area_of, fit
from skipbeat_arch.clock_table import AREA_TABLE, WHOLE, measurements
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware


def test_a_sum_of_terms_is_found_again() -> None:
    random = np.random.default_rng(1)
    terms = np.column_stack([np.ones(12), random.integers(1, 100, (12, 2))])
    found = fit(terms, terms @ [500.0, 7.0, 3.0], ("engines", "a PE", "a lane"))
    assert list(found.coefficients) == ["engines", "a PE", "a lane"]
    assert list(found.coefficients.values()) == pytest.approx([500.0, 7.0, 3.0])
    assert found.rows == 12
    assert max(found.error, found.worst) < 1e-9


def test_the_error_is_that_of_the_row_which_was_left_out() -> None:
    found = fit(np.ones((4, 1)), np.array([100.0, 100.0, 100.0, 200.0]), ("all",))
    others = (0.01 + 0.01 + 0.005) / (0.01**2 + 0.01**2 + 0.005**2)  # what fits 100, 100 and 200 best
    assert found.worst == pytest.approx(abs(100 / 200 - 1))
    assert found.error == pytest.approx((3 * (others / 100 - 1) + 0.5) / 4)


def test_what_was_recorded_is_measured() -> None:
    row = next(row for row in measurements(AREA_TABLE) if row.preset == "tiny-4x4" and not row.overrides)
    found = area_of(load_hardware("tiny-4x4", ["name=mine"]))
    assert found.measured
    assert set(found.cells) == set(RESOURCES)
    assert (found.cells["dsp"], found.cells["bram"]) == (row.area["dsp"], row.area["bram"])


def test_another_machine_is_near_its_neighbours() -> None:
    small, between, large = (
        area_of(load_hardware("edge-8x8", [f"outputs.lanes={lanes}", "outputs.buffer_kib=8"])) for lanes in (2, 4, 8)
    )
    assert not between.measured
    assert small.cells["lut"] < between.cells["lut"] < large.cells["lut"]
    assert [area.cells["dsp"] for area in (small, between, large)] == pytest.approx([76, 88, 112], rel=0.03)


def test_the_errors_are_those_that_the_documents_state() -> None:
    fits = area_fits()
    assert {found.rows for found in fits.values()} == {len(measurements(AREA_TABLE))}
    assert all(row.top == WHOLE and row.area for row in measurements(AREA_TABLE))
    assert fits["dsp"].worst < 0.06
    assert fits["bram"].worst < 0.02
    assert fits["lut"].error < 0.03
    assert fits["lut"].worst < 0.10
    assert all(value > 0 for found in fits.values() for value in found.coefficients.values())


def test_gradients_have_no_area() -> None:
    with pytest.raises(InputError, match="no area is known with outputs"):
        area_of(load_hardware("edge-8x8", ["outputs.gradients=true"]))


def test_a_core_without_an_accelerator_has_no_area() -> None:
    with pytest.raises(InputError, match="power of two"):
        area_of(load_hardware("edge-8x8", ["array.rows=12"]))
