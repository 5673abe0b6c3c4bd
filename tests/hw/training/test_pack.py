# amaranth: UnusedElaboratable=no
"""The packing against its twin, against the definition of what `select` gives, and its sustained rate."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from skipbeat_arch.training.packing import packed
from skipbeat_arch.training.selecting import select_unbiased
from skipbeat_arch.training.turning import turn
from skipbeat_hw.training.pack import Pack
from tests.hw.in_process import refuses, simulate
from tests.hw.stimulus import Fresh, Offer, Source, Values, Wire, sometimes
from tests.hw.training.vectors import Width, cases, endless
from tests.hw.twins import Pair, Where, hold, while_set


class _Held:
    """Slots, the same until the next reset."""

    def __init__(self, n: int) -> None:
        self._n = n

    def drive(self) -> Values:
        return {"n_i": self._n}

    def after(self, inputs: Values, outputs: Values) -> None:
        pass


def _elements(rng: random.Random, width: Width) -> Callable[[], int]:
    """Vectors of elements: any number of a group is kept, often none, one or all."""

    def draw() -> int:
        bits = 0
        for lane in range(width.lanes):
            if lane % width.group == 0:
                share = rng.choice((0, 0.125, 0.5, 1))
            bits |= (rng.getrandbits(8) | (rng.random() < share) << 8) << 9 * lane
        return bits

    return draw


def _sources(width: Width, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        return [
            _Held(rng.randint(0, width.group + 1)),
            Offer("i", sometimes(rng), endless(_elements(rng, width))),
            Wire("o__ready", sometimes(rng)),
        ]

    return [Fresh(begin)]


PACK = Pair("pack", Pack, _sources, meaning={"o__payload": while_set("o__valid")})


@pytest.mark.parametrize(
    ("width", "where"), cases(Width(16, 8), Width(8, 8), Width(32, 8), Width(16, 16), Width(32, 16), compiled=True)
)
def test_pack(width: Width, where: Where) -> None:
    hold(PACK, width, where)


@pytest.mark.parametrize(("group", "q"), [(8, 2), (8, 4), (16, 2)])
def test_what_was_selected_without_bias_is_packed_with_a_vector_per_clock(group: int, q: int) -> None:
    width, blocks, n = Width(16, group), 5, group // q
    vectors = np.random.default_rng(7).integers(-127, 128, (blocks * group, 16)).astype(np.int8)
    values, kept = select_unbiased(vectors, group, q, 99, along_time=True)
    elements = turn(values.astype(np.int64) & 0xFF | kept.astype(np.int64) << 8, group)
    words = [sum(int(element) << 9 * lane for lane, element in enumerate(vector)) for vector in elements]
    clocks = len(words) + group + 4
    inputs = {
        "n_i": [n] * clocks,
        "i__valid": [1] * len(words) + [0] * (clocks - len(words)),
        "i__payload": (words + [0] * clocks)[:clocks],
        "o__ready": [1] * clocks,
    }
    seen = simulate(Pack(width.hw), inputs, ["i__ready", "o__valid", "o__payload"])
    assert seen["i__ready"] == [1] * clocks
    given = [clock for clock in range(clocks) if seen["o__valid"][clock]]
    each = group // 8 + n
    assert given == [group * (block + 1) + 2 + k for block in range(blocks) for k in range(each)]
    found = [(seen["o__payload"][clock] or 0).to_bytes(16, "little") for clock in given]
    expected = packed(values, kept, group, n).reshape(-1, 16)
    assert found == [vector.tobytes() for vector in expected]


def test_wants_whole_groups_with_whole_bytes_of_bitmap() -> None:
    refuses(Pack)
    with pytest.raises(ValueError, match="not 12 lanes and groups of 8"):
        Pack(Width(12, 8).hw)
    with pytest.raises(ValueError, match="groups of a multiple of 8, not 4"):
        Pack(Width(8, 4).hw)
