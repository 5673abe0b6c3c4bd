"""The fetcher against its twin: walks of four loops, null walks, and banks that are read at any offsets."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from skipbeat_arch import ports
from skipbeat_arch.machine_ports import JOB
from skipbeat_hw.machine.fetcher import Fetcher
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import NARROW, ReadPort, Shape, cases, payloads
from tests.hw.stimulus import Fresh, Offer, Source, Wire, elements, often, sometimes
from tests.hw.twins import Pair, Where, hold, while_set

#: Turns of the two outer loops.
LONGEST = 4095


def _jobs(rng: random.Random) -> Iterator[int]:
    """Walks with loops of one turn more often than not; now and then one as long as it can be, or of 0 turns.

    Of a null walk, which takes one clock, the loops are of any length.
    """
    while True:
        values = {name: rng.getrandbits(bits) for name, bits in JOB if isinstance(bits, int)}
        null = rng.random() < 0.2
        if not null:
            values |= {f"n{k}": rng.choice([1, 1, 2, 3]) for k in range(4)}
            if rng.random() < 0.1:
                k, most = rng.choice([(0, 15), (1, 15), (0, 0), (1, 0), (2, 40), (3, 40)])
                values[f"n{k}"] = most
        yield ports.pack(JOB, values | {"null": int(null)})


def _longest(rng: random.Random) -> Iterator[int]:
    """Each of the two long loops as long as it can be, and once by a length of which every second bit is set."""
    for loop, turns in ((2, LONGEST), (3, LONGEST), (2, 0x555), (3, 0xAAA)):
        values = {name: rng.getrandbits(bits) for name, bits in JOB if isinstance(bits, int)}
        yield ports.pack(JOB, values | {"n0": 1, "n1": 1, "n2": 1, "n3": 1, "null": 0} | {f"n{loop}": turns})


def _sources(shape: Shape, kind: str, rng: random.Random) -> Sequence[Source]:
    offsets, bundles = elements(rng, shape.rows, 16), elements(rng, shape.rows * shape.group, 8)

    def begin() -> Sequence[Source]:
        return [
            Offer("jobs", sometimes(rng), _longest(rng) if kind == "longest" else _jobs(rng)),
            ReadPort("offsets_i", "table_address_o", lambda _: offsets(), "table_enable_o"),
            ReadPort("bundles_i", "bank_address_o", lambda _: bundles(), "bank_enable_o"),
            Wire("activations__ready", often(rng, 1.0) if kind == "longest" else sometimes(rng)),
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


def test_every_bit_of_the_counters() -> None:
    """Walks of one loop, to their end: 12,285 pixels, a clock each."""
    where = Where("verilator", "shared", 2 * LONGEST + 0x555 + 0xAAA + 40)
    seen = hold(replace(FETCHER, kinds=("longest",)), NARROW, where, reset_share=0.0)
    assert seen["activations__valid"] == {0, 1}


def test_wants_a_machine() -> None:
    refuses(Fetcher)
