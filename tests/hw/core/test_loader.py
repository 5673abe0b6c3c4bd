"""The loader against its twin: writes of any kind, banks that fill and are released."""

from __future__ import annotations

import random

import pytest

from skipbeat_arch import ports
from skipbeat_hw.core.loader import WeightLoader
from tests.hw.in_process import refuses
from tests.hw.stimulus import Source, Values, Wire, elements
from tests.hw.twins import Pair, Size, Where, cases, hold


class Banks:
    """Drives `done_i` and `release_i`: at will, but never both for one bank.

    `done_i` fills a bank that is not full and `release_i` names a full one, so the two cannot meet.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng, self._bank = rng, 0

    def drive(self) -> Values:
        done = int(self._rng.random() < 0.2)
        release = self._rng.getrandbits(2) if self._rng.random() < 0.3 else 0
        return {"done_i": done, "release_i": release & ~(done << self._bank)}

    def after(self, inputs: Values, outputs: Values) -> None:
        self._bank = 0 if inputs["rst"] else self._bank ^ inputs["done_i"]


def _sources(size: Size, kind: str, rng: random.Random) -> list[Source]:
    hw = size.hw
    values, index = elements(rng, size.cols, size.weight_bits), elements(rng, size.cols, hw.index_bits)

    def write() -> int:
        fields = {"enable": rng.getrandbits(1), "row": rng.randrange(size.rows), "slot": rng.randrange(size.group)}
        return ports.pack(ports.write_fields(hw), fields | {"values": values(), "index": index()})

    return [Wire("write_i", write), Banks(rng)]


LOADER = Pair("loader", WeightLoader, _sources)


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 4, 4), Size(1, 1, 8, weight_bits=5)], [Size(4, 4, 1), Size(8, 8, 16), Size(4, 2, 32, weight_bits=2)]
    ),
)
def test_loader(size: Size, where: Where) -> None:
    hold(LOADER, size, where)


def test_wants_hardware() -> None:
    refuses(WeightLoader)
