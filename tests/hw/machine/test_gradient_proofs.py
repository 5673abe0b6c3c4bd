"""The output stage where it stores gradients, proved (docs/formal.md), and bugs that make the proofs fail."""

from __future__ import annotations

from types import ModuleType
from unittest.mock import patch

import pytest

from skipbeat_hw.machine import gradient_lanes, output, window
from skipbeat_hw.tools.formal import Verdict, always, bounded, reachable
from tests.hw.machine.formal_gradients import MACHINE, FreeLanes, FreeRequantiser, LanesRules, PlacesRules, StageRules
from tests.hw.planted import mutant

#: Clocks from a job's beginning until its first vector has left, and one more.
CLOCKS = 26
#: Of what is claimed of places: items of a window at most, and clocks until its places have been sent.
WINDOW, PLACED_CLOCKS = 3, 25
BUGS = [
    (gradient_lanes, "Mux(self.valid_i, total, _if(scaled, other))", "Mux(scaled, other, total)"),
    (gradient_lanes, "byte.clipped for", "byte.clipped & 0 for"),
    (gradient_lanes, "_if(clipped, self.clipped_i)", "_if(scaled, self.clipped_i)"),
    (gradient_lanes, "_if(scaled, other)", "other"),
    (gradient_lanes, "rounded.valid | scaled | clipped", "rounded.valid | scaled"),
    (gradient_lanes, "LATENCY - ROUNDING_LATENCY)", "LATENCY - ROUNDING_LATENCY + 1)"),
    (output, "job.stochastic & ~job.raw & job.residual & ~choice.any()", "0"),
    (output, "~job.raw & job.residual &", "~job.raw &"),
    (output, "~choice.any()", "(~choice.any() | choice[7])"),
    (output, "block.shift[0]", "block.shift[1]"),
    (output, "lanes.begin_i.eq(opening)", "lanes.begin_i.eq(walk.closed)"),
    (output, "walk.sending & job.stochastic & ~job.raw", "walk.sending & job.stochastic"),
    (output, "walk.sending & job.noted & ~job.stochastic", "walk.sending & job.noted"),
    (output, "job.noted & ~job.stochastic & ~job.raw", "job.noted & ~job.stochastic"),
]


def _lanes(module: ModuleType) -> Verdict:
    return always(LanesRules(module.GradientLanes(MACHINE)), 1)


def _rules(module: ModuleType) -> StageRules:
    return StageRules(module.OutputStage(MACHINE), 1)


def _stage(module: ModuleType) -> Verdict:
    with patch.multiple(module, GradientLanes=FreeLanes, Requantiser=FreeRequantiser):
        return bounded(_rules(module), CLOCKS)


def _places(module: ModuleType) -> Verdict:
    """Of a changed output stage, or of the usual one with changed windows."""
    own = output if module.__name__ == window.__name__ else module
    changed = {"GradientLanes": FreeLanes, "Requantiser": FreeRequantiser, "take_items": vars(module)["take_items"]}
    with patch.dict(vars(own), changed):
        return bounded(PlacesRules(own.OutputStage(MACHINE), WINDOW), PLACED_CLOCKS)


CLAIMS = {gradient_lanes: _lanes, output: _stage}
PLACES_BUGS = [
    (window, "(largest[c] - sums[c])[-1] if places else ", ""),
    (window, "Mux(start | closes, 0, number + 1)", "Mux(start | closes, 0, number)"),
    (output, "[*columns[:-1], held]", "columns"),
    (output, '"multiplier", 2)', '"multiplier", 1)'),
    (output, '"shift", 1)', '"shift", 2)'),
    (output, "& ~placed)", ")"),
    (output, "found.eq(own)", "found.eq(found)"),
]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_places_hold() -> None:
    verdict = _places(output)
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("module", "right", "wrong"), PLACES_BUGS)
def test_a_planted_bug_breaks_the_proof_of_places(module: ModuleType, right: str, wrong: str) -> None:
    verdict = _places(mutant(module, right, wrong))
    assert not verdict.holds
    assert verdict.witness


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("module", CLAIMS)
def test_holds(module: ModuleType) -> None:
    verdict = CLAIMS[module](module)
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_claims_are_not_vacuous() -> None:
    assert reachable(LanesRules(gradient_lanes.GradientLanes(MACHINE)), 9).holds
    with patch.multiple(output, GradientLanes=FreeLanes, Requantiser=FreeRequantiser):
        assert reachable(_rules(output), CLOCKS).holds
        assert reachable(PlacesRules(output.OutputStage(MACHINE), WINDOW), PLACED_CLOCKS).holds


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("module", "right", "wrong"), BUGS)
def test_a_planted_bug_breaks_the_proof(module: ModuleType, right: str, wrong: str) -> None:
    verdict = CLAIMS[module](mutant(module, right, wrong))
    assert not verdict.holds
    assert verdict.witness
