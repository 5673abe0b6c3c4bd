"""The sequencer against its twin: sound programs, and passes that come, go and name tiles that are not there."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from skipbeat_arch import ports
from skipbeat_arch.command import CoreError
from skipbeat_hw.core.sequencer import Sequencer
from tests.hw.in_process import refuses
from tests.hw.stimulus import Draw, Flicker, Fresh, Offer, Source, Values, Wire, elements, often, sometimes
from tests.hw.twins import Pair, Size, Where, cases, hold


class Banks:
    """Drives `full_i`: the bank that is free fills after a while; a released one is free again."""

    def __init__(self, loading: Draw) -> None:
        self._full, self._bank, self._loading = 0, 0, loading

    def drive(self) -> Values:
        return {"full_i": self._full}

    def after(self, inputs: Values, outputs: Values) -> None:
        self._full &= ~outputs["release_o"]
        if not self._full >> self._bank & 1 and self._loading():
            self._full |= 1 << self._bank
            self._bank ^= 1


class Results:
    """Drives `taken_i`: results leave in time, never more than were begun."""

    def __init__(self, taking: Draw) -> None:
        self._there, self._taking = 0, taking

    def drive(self) -> Values:
        return {"taken_i": int(self._there > 0 and self._taking())}

    def after(self, inputs: Values, outputs: Values) -> None:
        valid, begins, _, _, last = (outputs["control_o"] >> bit & 1 for bit in range(5))
        self._there += (valid & begins & last) - inputs["taken_i"]
        if inputs["rst"]:
            self._there = 0


def _pass(size: Size, rng: random.Random, beat: int, rows: int, load: bool, stale: bool = False) -> int:
    pixels = rng.choice([1, 2, 2, 3, rng.randint(1, 6), rng.randint(1, 50)]) % (1 << ports.pixels_bits(size.hw))
    values = {"pixels": pixels, "beat": beat, "rows": rows, "load": int(load), "stale": int(stale)}
    values |= {"first": rng.getrandbits(1), "last": rng.getrandbits(1)}
    values |= {"one_step": int(beat <= 1), "two_steps": int(beat <= 2), "one_pixel": int(pixels == 1)}
    return ports.pack(ports.pass_fields(size.hw), values)


def _program(size: Size, rng: random.Random) -> Iterator[int]:
    """Passes that load, passes that use the tile again, and null passes; single steps more often than not."""
    resident: tuple[int, int] | None = None
    while True:
        kind = rng.choice(["load", "load", "again", "null"])
        if kind == "null":
            yield _pass(size, rng, 0, rng.choice([0, rng.randint(1, size.rows)]), False)
        elif kind == "again" and resident:
            yield _pass(size, rng, *resident, False)
        else:
            resident = rng.choice([1, rng.randint(1, size.group)]), rng.randint(1, size.rows)
            yield _pass(size, rng, *resident, True)


def _any_pass(size: Size, rng: random.Random) -> int:
    load = rng.random() < 0.4
    stale = not load and rng.random() < 0.2
    return _pass(size, rng, rng.randint(int(load), size.group), rng.randint(1, size.rows), load, stale)


def _sources(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    bundles = elements(rng, size.rows * size.group, size.activation_bits)
    if kind == "program":

        def begin() -> Sequence[Source]:
            return [
                Offer("passes", sometimes(rng), _program(size, rng)),
                Offer("activations", sometimes(rng), iter(bundles, -1)),
                Banks(often(rng, rng.choice([1.0, 0.2]))),
                Results(often(rng, rng.choice([1.0, 0.5, 0.03]))),
                Wire("halt_i", often(rng, rng.choice([0.0, 0.1]))),
            ]

        return [Fresh(begin)]
    return [
        Flicker("passes", often(rng, 0.7), lambda: _any_pass(size, rng)),
        Flicker("activations", often(rng, 0.8), bundles),
        Wire("full_i", lambda: rng.getrandbits(2)),
        Results(often(rng, 0.5)),
        Wire("halt_i", often(rng, 0.05)),
    ]


SEQUENCER = Pair(
    "sequencer",
    Sequencer,
    _sources,
    kinds=("program", "no rule"),
    meaning={"bundles_o": lambda values: -1 if values["control_o"] & 1 else 0},
    constant=lambda size: ("opens_o",) if size.hw.is_dense else (),
)


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 2, 4), Size(1, 1, 8, activation_bits=5)],
        [Size(4, 4, 1), Size(8, 8, 16), Size(4, 4, 32, activation_bits=3), Size(2, 3, 8)],
    ),
)
def test_sequencer(size: Size, where: Where) -> None:
    seen = hold(SEQUENCER, size, where)
    if where.backend == "shared":
        assert seen["error_o"] == {CoreError.NONE, CoreError.NO_SUCH_TILE}
        assert seen["cause_o"] == set(range(6))


def test_wants_hardware() -> None:
    refuses(Sequencer)
