# amaranth: UnusedElaboratable=no
"""The selection within vectors against its twin."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch.ports import pack
from skipbeat_arch.training.jobs import select_fields
from skipbeat_hw.training.select_lanes import SelectLanes
from tests.hw.in_process import refuses
from tests.hw.stimulus import Fresh, Offer, Source, Wire, sometimes
from tests.hw.training.vectors import Begun, Width, alike, cases, endless
from tests.hw.twins import Pair, Where, hold, while_set


def _sources(width: Width, _kind: str, rng: random.Random) -> Sequence[Source]:
    fields = select_fields(width.hw)

    def begin() -> Sequence[Source]:
        values = {name: rng.getrandbits(bits) for name, bits in fields if isinstance(bits, int)}
        job = pack(fields, values | {"n": rng.randint(0, width.group + 1)})
        vectors = endless(alike(rng, width.lanes))
        return [Begun(job), Offer("i", sometimes(rng), vectors), Wire("o__ready", sometimes(rng))]

    return [Fresh(begin)]


LANES = Pair("select_lanes", SelectLanes, _sources, meaning={"o__payload": while_set("o__valid")})


@pytest.mark.parametrize(("width", "where"), cases(Width(8, 4), Width(4, 4), Width(16, 8), Width(16, 16)))
def test_select_lanes(width: Width, where: Where) -> None:
    hold(LANES, width, where, reset_share=0.02)


def test_wants_whole_groups() -> None:
    refuses(SelectLanes)
    with pytest.raises(ValueError, match="not 6 lanes and groups of 4"):
        SelectLanes(Width(6, 4).hw)
