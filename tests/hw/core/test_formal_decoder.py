"""The weight decoder, proved on the smallest arrays for all weights, positions, sizes and (few) pauses."""

from __future__ import annotations

import pytest
from amaranth.hdl import Module, Signal

import skipbeat_hw.core.slots
from skipbeat_arch.command import Encoding
from skipbeat_hw.core.slots import prefix_popcount
from skipbeat_hw.tools.formal import Verdict, bounded, reachable
from tests.hw.core.formal_decoder import DecoderProof, Kind, LastFlagProof
from tests.hw.core.symbolic_tile import tiny

BITMAP, COORDINATE, DENSE = Encoding.BITMAP, Encoding.COORDINATE, Encoding.DENSE

#: Hardware (rows, cols, M, weight bits, lanes), tiles, pauses, and clocks without a pause until all is written.
QUICK = [((1, 2, 8, 3, 1), [(COORDINATE, 2)], 1, 14), ((1, 2, 8, 2, 1), [(BITMAP, 3)], 0, 17)]
SLOW = [
    ((2, 2, 4, 2, 1), [(BITMAP, 2)], 1, 17),
    ((2, 2, 4, 2, 1), [(COORDINATE, 2)], 1, 17),
    ((2, 2, 4, 2, 1), [(DENSE, 4)], 0, 15),
    ((2, 2, 4, 3, 2), [(BITMAP, 4)], 0, 20),
    ((2, 2, 4, 2, 1), [(BITMAP, 2)], 2, 17),
    ((1, 2, 4, 8, 1), [(BITMAP, 2)], 1, 14),
    ((2, 2, 4, 2, 1), [(BITMAP, 2), (BITMAP, 3)], 0, 28),
    ((1, 2, 4, 2, 1), [(BITMAP, 3), (DENSE, 4), (COORDINATE, 1)], 0, 25),
]
Case = tuple[tuple[int, int, int, int, int], list[Kind], int, int]
CASES = [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)]


@pytest.mark.parametrize(("sizes", "kinds", "pauses", "clocks"), CASES)
def test_writes_are_the_weights_of_the_stream(
    sizes: tuple[int, int, int, int, int], kinds: list[Kind], pauses: int, clocks: int
) -> None:
    verdict = bounded(DecoderProof(tiny(*sizes), kinds, clocks, pauses), clocks + pauses + 3)
    _report(verdict)


@pytest.mark.parametrize("kind", [(BITMAP, 2), (COORDINATE, 2), (DENSE, 4)])
def test_a_misplaced_last_flag_is_always_an_error(kind: Kind) -> None:
    _report(bounded(LastFlagProof(tiny(2, 2, 4), kind, clocks=15, pauses=1), 19))


def test_the_assumptions_can_be_met() -> None:
    _report(reachable(DecoderProof(tiny(1, 2, 4), [(BITMAP, 2)], clocks=13, pauses=1), 16))
    _report(reachable(LastFlagProof(tiny(1, 2, 4), (BITMAP, 2), clocks=13, pauses=1), 14))


def test_a_rank_that_is_off_by_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def off_by_one(m: Module, mask: Signal) -> list[Signal]:
        sums = prefix_popcount(m, mask)
        wrong = Signal.like(sums[1])
        m.d.comb += wrong.eq(sums[1] ^ 1)
        return [sums[0], wrong, *sums[2:]]

    monkeypatch.setattr(skipbeat_hw.core.slots, "prefix_popcount", off_by_one)
    verdict = bounded(DecoderProof(tiny(1, 2, 4), [(BITMAP, 2)], clocks=15, pauses=0), 16)
    assert not verdict.holds
    assert any(place.startswith("formal_decoder.py:") for place in verdict.witness)


def _report(verdict: Verdict) -> None:
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"
