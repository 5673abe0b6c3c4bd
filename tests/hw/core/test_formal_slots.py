"""The slots, proved on small arrays for all metadata, sound or not."""

from __future__ import annotations

import pytest

from skipbeat_arch.command import Encoding
from skipbeat_hw.tools.formal import bounded, reachable
from tests.hw.core.formal_decoder import Kind
from tests.hw.core.formal_slots import SlotsProof
from tests.hw.core.symbolic_tile import tiny

BITMAP, COORDINATE = Encoding.BITMAP, Encoding.COORDINATE


@pytest.mark.parametrize(
    ("sizes", "kind", "clocks", "pauses"),
    [
        ((2, 2, 4, 2, 1), (BITMAP, 1), 8, 2),
        ((2, 2, 4, 2, 1), (BITMAP, 3), 11, 2),
        ((1, 2, 8, 2, 1), (BITMAP, 5), 10, 1),
        ((2, 2, 4, 2, 1), (COORDINATE, 2), 9, 2),
        ((1, 4, 8, 2, 2), (COORDINATE, 2), 8, 2),
        ((1, 2, 16, 2, 1), (COORDINATE, 4), 9, 1),
    ],
)
def test_deals_any_metadata(sizes: tuple[int, int, int, int, int], kind: Kind, clocks: int, pauses: int) -> None:
    verdict = bounded(SlotsProof(tiny(*sizes), kind, clocks, pauses), clocks + pauses + 1)
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"


@pytest.mark.parametrize("kind", [(BITMAP, 2), (COORDINATE, 2)])
def test_sound_and_unsound_metadata_occur(kind: Kind) -> None:
    verdict = reachable(SlotsProof(tiny(1, 2, 4), kind, 9, 2), 8)
    assert verdict.holds, f"{verdict.witness}\n{verdict.log}"
