"""The fetcher against its twin: walks of four loops, null walks, and banks that are read at any offsets."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from skipbeat_arch import ports
from skipbeat_arch.machine_ports import JOB
from skipbeat_hw.machine.fetcher import Fetcher
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import ReadPort, Shape, cases, payloads
from tests.hw.stimulus import Fresh, Offer, Source, Wire, elements, sometimes
from tests.hw.twins import Pair, Where, hold, while_set


def _jobs(rng: random.Random) -> Iterator[int]:
    """Walks with loops of one turn more often than not; now and then one as long as it can be, or of 0 turns."""
    while True:
        values = {name: rng.getrandbits(bits) for name, bits in JOB if isinstance(bits, int)}
        values |= {f"n{k}": rng.choice([1, 1, 2, 3]) for k in range(4)}
        if rng.random() < 0.1:
            k, most = rng.choice([(0, 15), (1, 15), (0, 0), (1, 0), (2, 40), (3, 40)])
            values[f"n{k}"] = most
        yield ports.pack(JOB, values | {"null": int(rng.random() < 0.2)})


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    offsets, bundles = elements(rng, shape.rows, 16), elements(rng, shape.rows * shape.group, 8)

    def begin() -> Sequence[Source]:
        return [
            Offer("jobs", sometimes(rng), _jobs(rng)),
            ReadPort("offsets_i", "table_address_o", lambda _: offsets(), "table_enable_o"),
            ReadPort("bundles_i", "bank_address_o", lambda _: bundles(), "bank_enable_o"),
            Wire("activations__ready", sometimes(rng)),
        ]

    return [Fresh(begin)]


FETCHER = Pair(
    "fetcher",
    Fetcher,
    _sources,
    meaning={
        "table_address_o": while_set("table_enable_o"),
        "bank_address_o": while_set("bank_enable_o"),
        **payloads("activations"),
    },
)


@pytest.mark.parametrize(("shape", "where"), cases())
def test_fetcher(shape: Shape, where: Where) -> None:
    hold(FETCHER, shape, where)


def test_wants_a_machine() -> None:
    refuses(Fetcher)
