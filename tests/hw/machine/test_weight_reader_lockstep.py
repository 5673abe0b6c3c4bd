"""The weight reader against its twin: tiles that follow each other, and a core that does not always take a word."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch import ports
from skipbeat_arch.machine_ports import TILE_READ
from skipbeat_hw.machine.weight_reader import WeightReader
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import ReadPort, Shape, cases, payloads, short
from tests.hw.stimulus import Fresh, Offer, Source, Wire, bits, sometimes
from tests.hw.twins import Pair, Where, hold


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    data, address = bits(rng, 8 * shape.cols), bits(rng, 16)

    def begin() -> Sequence[Source]:
        tiles = iter(lambda: ports.pack(TILE_READ, {"address": address(), "words": short(rng)}), -1)
        return [
            Offer("tiles", sometimes(rng), tiles),
            ReadPort("data_i", "address_o", lambda _: data(), "enable_o"),
            Wire("weights__ready", sometimes(rng)),
        ]

    return [Fresh(begin)]


WEIGHT_READER = Pair("weight_reader", WeightReader, _sources, meaning=payloads("weights"))


@pytest.mark.parametrize(("shape", "where"), cases())
def test_weight_reader(shape: Shape, where: Where) -> None:
    hold(WEIGHT_READER, shape, where)


def test_wants_a_machine() -> None:
    refuses(WeightReader)
