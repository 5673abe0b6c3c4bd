"""The components of training, proved (docs/training.md), and bugs that make the proofs fail."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType
from unittest.mock import patch

import pytest

from skipbeat_hw.tools.formal import Verdict, always, bounded, reachable
from skipbeat_hw.training import draws, pack, peak, rounding, select, select_lanes, turn, update
from tests.hw.planted import mutant
from tests.hw.training.formal_numbers import (
    DrawsRules,
    PeakRules,
    RoundingRule,
    RoundingStream,
    UpdateRule,
    UpdateStream,
)
from tests.hw.training.formal_packing import PackRules
from tests.hw.training.formal_training import LanesRules, SelectRules, TurnRules
from tests.hw.training.vectors import Width

HW, WIDE = Width(4, 4).hw, Width(8, 4).hw
#: Clocks that a vector is inside, one in which it waits, and one more.
CLOCKS = 9
#: Bits of weights, so few that a solver can exhaust their products, and enough for bytes that are clamped.
MASTER = 9
#: Bits of the coefficients' mantissas, and their largest shift.
MANTISSA, SHIFT = 2, 3
#: Clocks until a weight has left the update, and a sum the rounding.
UPDATED, ROUNDED = 13, 6


def _turn(module: ModuleType) -> Verdict:
    return always(TurnRules(module.Turn(WIDE, bits=1)), 1)


def _back(module: ModuleType) -> Verdict:
    return always(TurnRules(module.Turn(WIDE, bits=1, back=True)), 1)


def _select(module: ModuleType) -> Verdict:
    return always(SelectRules(module.Select(HW)), 1)


def _lanes(module: ModuleType) -> Verdict:
    return bounded(LanesRules(module.SelectLanes(HW)), CLOCKS)


def _pack(which: int) -> Callable[[ModuleType], Verdict]:
    def prove(module: ModuleType) -> Verdict:
        return always(PackRules(module.Pack(WIDE, bits=1), which), 1)

    return prove


def _peak(module: ModuleType) -> Verdict:
    return always(PeakRules(module.Peak(2)), 1)


def _draws(module: ModuleType) -> Verdict:
    return always(DrawsRules(module.Draws(2)), 1)


def _sums(module: ModuleType) -> Verdict:
    return always(RoundingStream(module.Rounding(1)), 1)


def _rounding(module: ModuleType) -> Verdict:
    return bounded(RoundingRule(module.Rounding(1)), ROUNDED)


def _stream(module: ModuleType) -> Verdict:
    return always(UpdateStream(module.Update(1)), 1)


def _narrow(module: ModuleType) -> AbstractContextManager[object]:
    """An update of few bits."""
    limit = 1 << (MASTER - 1)
    return patch.multiple(module, MASTER_BITS=MASTER, SUM_BITS=MASTER + 2, _LOW=-limit, _HIGH=limit - 1)


def _update(module: ModuleType) -> Verdict:
    with _narrow(module):
        return bounded(UpdateRule(module.Update(1), MASTER, MANTISSA, SHIFT), UPDATED)


Claim = Callable[[ModuleType], Verdict]
CLAIMS: dict[str, tuple[ModuleType, Claim]] = {
    "turn": (turn, _turn),
    "back": (turn, _back),
    "select": (select, _select),
    "lanes": (select_lanes, _lanes),
    **{f"pack {which}": (pack, _pack(which)) for which in range(4)},
    "peak": (peak, _peak),
    "draws": (draws, _draws),
    "sums": (rounding, _sums),
    "rounding": (rounding, _rounding),
    "stream": (update, _stream),
    "update": (update, _update),
}
#: Slow ones.
LONG = ("back", "lanes", "pack 1", "pack 2", "pack 3", "peak", "draws", "sums", "rounding", "stream", "update")
BUGS: list[tuple[str, str, str]] = [
    ("turn", "taken & taking[:-1].all()", "taken & taking[1:-1].all()"),
    ("turn", "half[k][number * beside + bundle]", "half[k][bundle * self.group + number]"),
    ("back", "half[row][bundle * self.group + number]", "half[row][bundle + number]"),
    ("select", "more.eq(entering != 1)", "more.eq(entering != 0)"),
    ("select", "busy.eq(leaving != 1)", "busy.eq(leaving > 2)"),
    ("lanes", "sizes[begin + i] >= sizes", "sizes[begin + i] > sizes"),
    ("lanes", "(first[lane + 1] | ~passed[lane + 1])", "~passed[lane + 1]"),
    ("lanes", "< self.job_i.n)", "<= self.job_i.n)"),
    ("pack 1", "kept[lane - lane % self.group : lane]", "kept[lane - lane % self.group + 1 : lane]"),
    ("pack 1", "range(begin + slot, begin + self.group)", "range(begin + slot + 1, begin + self.group)"),
    ("pack 2", "room = ~full | ~leaving", "room = ~full"),
    ("pack 2", "enters & entered.all()", "enters & entered[1:].all()"),
    ("pack 3", "Cat(row, found)[self.bits * len(found) :]", "Cat(found, row)[: self.bits * self.width]"),
    ("pack 0", "self.n_i + (self.bitmaps - 1)", "self.n_i + self.bitmaps"),
    ("pack 0", "m.If(moves | self.o.ready)", "m.If(moves)"),
    ("pack 0", "Const(0, self.bits * self.width)", "rows[0]"),
    ("peak", "Mux(begin[1], 0, ones) | found", "ones | found"),
    ("peak", "self.bits_o.eq(bit + 1)", "self.bits_o.eq(bit)"),
    ("draws", "state.eq(_advanced(state))", "state.eq(_advanced(state) | 1 << 9)"),
    ("draws", "for tap in TAPS:", "for tap in TAPS[1:]:"),
    ("draws", "Const(spread(k), SEED_BITS)", "Const(1, SEED_BITS)"),
    ("sums", "draws.next_i.eq(advance & there[1])", "draws.next_i.eq(there[1])"),
    ("sums", "advance.eq(~there[-1] | self.o.ready)", "advance.eq(self.o.ready)"),
    ("rounding", "large = large | (", "large = large & ("),
    ("rounding", "Mux(shift[most], total >> DRAW_BITS, total)", "total"),
    ("rounding", "Mux(negative, -LARGEST, LARGEST)", "LARGEST"),
    ("rounding", "Cat(fraction, whole).as_signed() + draw)", "Cat(fraction, whole).as_signed())"),
    ("stream", "advance.eq(~there[-1] | self.o.ready)", "advance.eq(self.o.ready)"),
    ("update", "(halves >> 1) + halves[0]", "halves >> 1"),
    ("update", "weights[6] - moved", "weights[5] - moved"),
    ("update", "Mux(byte < -LARGEST, -LARGEST, byte)", "byte"),
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
    assert reachable(PackRules(pack.Pack(WIDE, bits=1), 0), 40).holds


@pytest.mark.slow
def test_the_claims_about_numbers_are_not_vacuous() -> None:
    assert reachable(PeakRules(peak.Peak(2)), 6).holds
    assert reachable(UpdateStream(update.Update(1)), UPDATED).holds
    with _narrow(update):
        assert reachable(UpdateRule(update.Update(1), MASTER, MANTISSA, SHIFT), UPDATED).holds


@pytest.mark.slow
def test_the_claims_about_rounding_are_not_vacuous() -> None:
    assert reachable(DrawsRules(draws.Draws(2)), 3).holds
    assert reachable(RoundingStream(rounding.Rounding(1)), ROUNDED).holds
    assert reachable(RoundingRule(rounding.Rounding(1)), ROUNDED).holds


@pytest.mark.slow
@pytest.mark.parametrize(("name", "right", "wrong"), BUGS)
def test_a_planted_bug_breaks_a_proof(name: str, right: str, wrong: str) -> None:
    module, claim = CLAIMS[name]
    assert not claim(mutant(module, right, wrong)).holds
