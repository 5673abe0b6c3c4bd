"""The turner, and the store engine beside one, proved (docs/formal.md), and bugs that proofs and twins find."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skipbeat_hw.machine import store, turner
from skipbeat_hw.tools.formal import always, bounded, reachable
from tests.hw.machine.formal_engines import StoreRules
from tests.hw.machine.formal_parts import small
from tests.hw.machine.formal_turner import TurnerRules
from tests.hw.machine.lockstep_parts import SMALL
from tests.hw.machine.test_turner_lockstep import TURNER
from tests.hw.planted import mutant
from tests.hw.twins import Where, hold

MACHINE = small(turn=True)
#: Blocks of the job that is followed, and clocks until its last vector has left, and some more.
BLOCKS, CLOCKS = 3, 22
#: Of a first job.
BUGS = [
    ("turns == 0, inner + job.step1", "turns == 0, block + job.step1"),
    ("block + job.step0", "block + job.step1"),
    ("reading.eq(left != 0)", "reading.eq(left > 1)"),
    ("turns.eq(offered.n0 - 1)", "turns.eq(offered.n0)"),
    ("Mux(turns == 0, job.n0, turns) - 1", "turns - 1"),
    ("m.d.sync += inner.eq(following)", "m.d.sync += inner.eq(at)"),
    ("place >= job.lane", "place > job.lane"),
    ("(place <= last)", "(place < last)"),
    ("(place == last) & (left == 0)", "place == last"),
    ("left.eq(left - place.all())", "left.eq(left - 1)"),
    ("self.vector_o.index + 1", "self.vector_o.index + 2"),
    ("self.residual_i.word_select(byte, 8)", "self.residual_i.word_select(0, 8)"),
    ("for row in reversed(rows)", "for row in rows"),
    ("for column in reversed(range(size))", "for column in range(size)"),
    ("down.eq(~down)", "down.eq(1)"),
    ("Mux(down, above, Cat(byte, row)[: 8 * size])", "Mux(down, above, Cat(row[8:], byte))"),
    ("with m.If(came | full)", "with m.If(came)"),
]
#: Of those that follow.
LATER = [
    ("[full.eq(0), slot.eq(0)]", "[full.eq(0)]"),
    ("[full.eq(0), slot.eq(0)]", "[slot.eq(0)]"),
    ("full.eq(came)", "full.eq(1)"),
    ("self.vector_o.index.eq(0)", "self.vector_o.index.eq(self.vector_o.index)"),
]
STORE_BUGS = [
    ("job.memory | (job.opcode == Opcode.TURN)", "job.memory | 0"),
    ("self.vector_i.index + 1, count", "self.vector_i.index, count"),
    ("filling.opcode != Opcode.TURN", "1"),
]


def test_the_turner_reads_and_gives_what_a_job_says() -> None:
    verdict = bounded(TurnerRules(turner.Turner(MACHINE), BLOCKS), CLOCKS)
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"


@pytest.mark.slow
def test_the_claims_are_not_vacuous() -> None:
    assert reachable(TurnerRules(turner.Turner(MACHINE), BLOCKS), CLOCKS).holds


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong"), BUGS)
def test_a_planted_bug_breaks_the_proof(right: str, wrong: str) -> None:
    verdict = bounded(TurnerRules(mutant(turner, right, wrong).Turner(MACHINE), BLOCKS), CLOCKS)
    assert not verdict.holds
    assert verdict.witness


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong"), STORE_BUGS)
def test_a_planted_bug_breaks_the_store_engines_proof(right: str, wrong: str) -> None:
    verdict = always(StoreRules(mutant(store, right, wrong).StoreEngine(MACHINE)), 1)
    assert not verdict.holds
    assert verdict.witness


@pytest.mark.parametrize(("right", "wrong"), [*LATER, *(pytest.param(*bug, marks=pytest.mark.slow) for bug in BUGS)])
def test_the_twin_finds_a_planted_bug(right: str, wrong: str) -> None:
    changed = replace(TURNER, component=mutant(turner, right, wrong).Turner)
    with pytest.raises(AssertionError, match="expected 0x"):
        hold(changed, replace(SMALL, turn=True), Where("amaranth", "cocotb", 1500))
