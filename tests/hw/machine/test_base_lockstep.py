"""The base against its twin: any page, addresses around the ends of pages and of 4 GiB."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from skipbeat_hw.machine.base import Base
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import NARROW, WIDE, Shape, cases
from tests.hw.stimulus import Source, Wire, sometimes
from tests.hw.twins import Pair, Where, hold


def _near(bits: int, rng: random.Random) -> int:
    """Any number, often close to 0 or to a power of two."""
    at = rng.choice([rng.getrandbits(bits), 1 << rng.randrange(bits), 0])
    return (at + rng.randrange(-9, 10)) % (1 << bits)


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    machine = shape.machine
    bits = {"page_i": machine.page_bits, "read_i": 32, "write_i": 32}
    bits |= {"reads_i": machine.counted_bits, "writes_i": machine.counted_bits}
    return [Wire("take_i", sometimes(rng)), *(Wire(name, partial(_near, n, rng)) for name, n in bits.items())]


BASE = Pair("base", Base, _sources)
#: No carry beyond 32 bits, a carry alone, and an upper half with another one after it.
QUICK = NARROW, replace(NARROW, address_bits=33), replace(WIDE, address_bits=64)


@pytest.mark.parametrize(("shape", "where"), cases(*QUICK, slow=(replace(WIDE, address_bits=40),)))
def test_base(shape: Shape, where: Where) -> None:
    seen = hold(BASE, shape, where)
    if where.backend == "shared":
        assert len(seen["reads_o"]) > 100


def test_wants_a_machine() -> None:
    refuses(Base)
