"""The load engine against its twin: LOADs of every kind and ZEROs, with a reader that takes its time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.instruction import Placement
from skipbeat_hw.machine.load import LoadEngine
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import NARROW, Shape, Vectors, cases, if_any, payloads, short, word
from tests.hw.stimulus import Fresh, Offer, Source, Wire, often
from tests.hw.twins import Pair, Where, hold

#: Vectors of the longest line of a place, and of the longest instruction.
LINE, MOST = Placement.largest("width"), (1 << 16) - 1


def _program(shape: Shape, rng: random.Random) -> Iterator[int]:
    zeros = rng.choice([0.0, 0.2, 0.5])
    while True:
        wait = rng.choice([0, 0, rng.getrandbits(2)])
        if rng.random() < zeros:
            yield word(Opcode.ZERO, rng, count=_some(rng), wait=wait)
            continue
        kind = rng.choice([Kind.ACTIVATIONS, *Kind])
        source = rng.getrandbits(32) // shape.cols * shape.cols
        width = rng.choice([1, 2, 3, 5, rng.getrandbits(12)])
        count = _some(rng)
        yield word(Opcode.LOAD, rng, kind=kind, source=source, width=width, count=count, wait=wait)


def _some(rng: random.Random) -> int:
    """A few vectors; seldom any number, which only a reset ends."""
    return rng.getrandbits(16) if rng.random() < 0.01 else short(rng)


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        return [
            Offer("instructions", often(rng, rng.choice([1.0, 0.3, 0.05])), _program(shape, rng)),
            Wire("some_i", lambda: rng.choice([3, rng.getrandbits(2)])),
            Wire("halt_i", often(rng, rng.choice([0.0, 0.1, 0.3]))),
            Vectors(shape.machine, rng, lambda _: rng.getrandbits(8 * shape.cols)),
        ]

    return [Fresh(begin)]


def _longest(shape: Shape, rng: random.Random, count: int, zeros: int) -> Sequence[Source]:
    """A LOAD in the longest lines that there are, and a ZERO."""
    load = word(Opcode.LOAD, rng, kind=Kind.ACTIVATIONS, source=0, width=LINE, count=count, wait=3)
    return [
        Offer("instructions", often(rng, 1.0), iter([load, word(Opcode.ZERO, rng, count=zeros, wait=3)])),
        Wire("some_i", lambda: 3),
        Wire("halt_i", lambda: 0),
        Vectors(shape.machine, rng, lambda _: rng.getrandbits(8 * shape.cols), steady=True),
    ]


LOAD = Pair("load_engine", LoadEngine, _sources, meaning={**payloads("requests"), **if_any("memory_write_o", 4)})


@pytest.mark.parametrize(("shape", "where"), cases())
def test_load_engine(shape: Shape, where: Where) -> None:
    hold(replace(LOAD, meaning={**LOAD.meaning, **if_any("bank_write_o", shape.rows)}), shape, where)


@pytest.mark.parametrize(("count", "zeros"), [(LINE + 5, 33), pytest.param(MOST, MOST, marks=pytest.mark.slow)])
def test_every_bit_of_the_counters(count: int, zeros: int) -> None:
    """The line's in a place, and in the longest LOAD and ZERO the vector's too."""
    where = Where("verilator", "shared", count + zeros + 100)
    pair = replace(
        LOAD,
        sources=lambda shape, _, rng: [Fresh(lambda: _longest(shape, rng, count, zeros))],
        meaning={**LOAD.meaning, **if_any("bank_write_o", NARROW.rows)},
        constant=lambda _: ("memory_write_o",),
    )
    seen = hold(pair, NARROW, where, reset_share=0.0)
    assert "give_o" in seen


def test_wants_a_machine() -> None:
    refuses(LoadEngine)
