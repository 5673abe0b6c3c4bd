"""The aligner against its twin: slots with their values, values that are missing or too many, and any order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from skipbeat_arch import ports
from skipbeat_arch.command import CoreError
from skipbeat_hw.core.aligner import Aligner
from tests.hw.core.tile_streams import Halt, split, write_means
from tests.hw.in_process import refuses
from tests.hw.stimulus import Flicker, Fresh, Offer, Source, Wire, bits, often, sometimes
from tests.hw.twins import Pair, Size, Where, cases, hold


def _slot(size: Size, rng: random.Random, final: bool) -> tuple[int, int]:
    """A slot in which a random share of the columns has a value: its word and its count."""
    share = rng.choice([0.0, 0.3, 0.7, 1.0])
    mask = [int(rng.random() < share) for _ in range(size.cols)]
    values: dict[str, int | list[int]] = {
        "mask": mask,
        "count": sum(mask),
        "rank": [sum(mask[:c]) for c in range(size.cols)],
        "index": [rng.randrange(size.group) for _ in range(size.cols)],
        "row": rng.randrange(size.rows),
        "slot": rng.randrange(size.group),
        "final": int(final),
    }
    return ports.pack(ports.slot_fields(size.hw), values), sum(mask)


def _tiles(size: Size, kind: str, rng: random.Random) -> Iterator[tuple[list[int], list[int]]]:
    """Slots and words of a tile after the other."""
    flag = 1 << size.hw.word_bits
    while True:
        count = rng.randint(1, 2 * size.cols + 2)
        slots = [_slot(size, rng, number == count - 1) for number in range(count)]
        needed = -(-sum(used for _, used in slots) // size.cols)
        if needed == 0:
            continue
        words = [rng.getrandbits(size.hw.word_bits) for _ in range(needed)]
        if kind == "contradictory" and rng.random() < 0.2:
            at = rng.randrange(needed)
            words = rng.choice([[*words, 0], words[:at], [*words[:at], words[at] | flag, *words[at + 1 :]]])
        if words:
            words[-1] |= flag
        yield [word for word, _ in slots], words


def _streams(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    slots, words = split(_tiles(size, kind, rng), 2)
    return [
        Offer("slots", sometimes(rng), slots),
        Offer("words", sometimes(rng), words),
        Wire("bank_ok_i", sometimes(rng)),
    ]


def _sources(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    if kind != "no rule":
        return [Fresh(lambda: _streams(size, kind, rng)), Halt()]
    word, last = bits(rng, size.hw.word_bits), often(rng, 0.2)
    return [
        Flicker("slots", often(rng, 0.8), lambda: _slot(size, rng, rng.random() < 0.2)[0]),
        Flicker("words", often(rng, 0.8), lambda: word() | last() << size.hw.word_bits),
        Wire("bank_ok_i", often(rng, 0.9)),
        Wire("halt_i", often(rng, 0.1)),
    ]


ALIGNER = Pair(
    "aligner",
    Aligner,
    _sources,
    kinds=("sound", "contradictory", "no rule"),
    stopped=lambda values: values["halt_i"] != 0,
    meaning={"write_o": write_means},
)


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 4, 8), Size(2, 3, 4, weight_bits=5)],
        [Size(1, 1, 4), Size(8, 8, 16), Size(4, 2, 32), Size(3, 7, 4, weight_bits=2)],
    ),
)
def test_aligner(size: Size, where: Where) -> None:
    seen = hold(ALIGNER, size, where)
    if where.backend == "shared":
        assert seen["error_o"] == {CoreError.NONE, CoreError.TRUNCATED_TILE, CoreError.OVERLONG_TILE}


def test_wants_hardware() -> None:
    refuses(Aligner)
