"""The components of training, proved (docs/training.md), and bugs that make the proofs fail."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from skipbeat_hw.tools.formal import Verdict, always, bounded, reachable
from skipbeat_hw.training import select, select_lanes, turn
from tests.hw.planted import mutant
from tests.hw.training.formal_training import LanesRules, SelectRules, TurnRules
from tests.hw.training.vectors import Width

HW, WIDE = Width(4, 4).hw, Width(8, 4).hw
#: Clocks that a vector is inside, one in which it waits, and one more.
CLOCKS = 9


def _turn(module: ModuleType) -> Verdict:
    return always(TurnRules(module.Turn(WIDE, bits=1)), 1)


def _back(module: ModuleType) -> Verdict:
    return always(TurnRules(module.Turn(WIDE, bits=1, back=True)), 1)


def _select(module: ModuleType) -> Verdict:
    return always(SelectRules(module.Select(HW)), 1)


def _lanes(module: ModuleType) -> Verdict:
    return bounded(LanesRules(module.SelectLanes(HW)), CLOCKS)


Claim = Callable[[ModuleType], Verdict]
CLAIMS: dict[str, tuple[ModuleType, Claim]] = {
    "turn": (turn, _turn),
    "back": (turn, _back),
    "select": (select, _select),
    "lanes": (select_lanes, _lanes),
}
#: Slow ones.
LONG = ("back", "lanes")
BUGS: list[tuple[str, str, str]] = [
    ("turn", "taken & taking[:-1].all()", "taken & taking[1:-1].all()"),
    ("turn", "half[k][number * beside + bundle]", "half[k][bundle * self.group + number]"),
    ("back", "half[row][bundle * self.group + number]", "half[row][bundle + number]"),
    ("select", "more.eq(entering != 1)", "more.eq(entering != 0)"),
    ("select", "busy.eq(leaving != 1)", "busy.eq(leaving > 2)"),
    ("lanes", "sizes[begin + i] >= sizes", "sizes[begin + i] > sizes"),
    ("lanes", "(first[lane + 1] | ~passed[lane + 1])", "~passed[lane + 1]"),
    ("lanes", "< self.job_i.n)", "<= self.job_i.n)"),
]


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in CLAIMS])
def test_holds(name: str) -> None:
    module, claim = CLAIMS[name]
    verdict = claim(module)
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"


def test_the_claims_are_not_vacuous() -> None:
    assert reachable(TurnRules(turn.Turn(WIDE, bits=1)), 12).holds


@pytest.mark.slow
def test_the_claims_about_jobs_are_not_vacuous() -> None:
    assert reachable(SelectRules(select.Select(HW)), 14).holds


@pytest.mark.slow
@pytest.mark.parametrize(("name", "right", "wrong"), BUGS)
def test_a_planted_bug_breaks_a_proof(name: str, right: str, wrong: str) -> None:
    module, claim = CLAIMS[name]
    assert not claim(mutant(module, right, wrong)).holds
