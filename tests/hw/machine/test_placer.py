"""The placer in Amaranth's simulator: the entry and the banks of each vector of a place."""

from __future__ import annotations

import random

from skipbeat_arch import ports
from skipbeat_arch.instruction import Placement
from skipbeat_arch.machine_ports import LOCAL_BITS
from skipbeat_hw.machine.placer import Placer
from tests.hw.in_process import converted, refuses, simulate
from tests.hw.machine.lockstep_parts import WIDE

MACHINE = WIDE.machine


def test_vectors_follow_lines() -> None:
    rng = random.Random(6)
    rows, per_vector = MACHINE.hw.array.rows, MACHINE.bundles
    inputs: dict[str, list[int]] = {name: [] for name in ("place_i", "valid_i", "first_i", "final_i")}
    want: list[tuple[int, int] | None] = []
    for _ in range(20):
        period = rng.choice([p for p in range(4) if 1 << p >= per_vector])
        bank = rng.randrange(0, 1 << period, per_vector)
        place = {"to": rng.getrandbits(LOCAL_BITS), "width": rng.randint(1, 4), "pitch": rng.getrandbits(12)}
        word = ports.pack(Placement.layout(), {**place, "period": period, "bank": bank})
        count = rng.randint(1, 12)
        for i in range(count):
            for valid in (*(0 for _ in range(rng.randrange(2))), 1):
                for name, value in zip(inputs, (word, valid, i == 0, i == count - 1), strict=True):
                    inputs[name].append(int(value))
                entry = (place["to"] + i // place["width"] * place["pitch"] + i % place["width"]) % (1 << LOCAL_BITS)
                into = sum(1 << r for r in range(rows) if r % (1 << period) // per_vector == bank // per_vector)
                want.append((entry, into) if valid else None)
    seen = simulate(Placer(MACHINE), inputs, ["entry_o", "banks_o"])
    for clock, expected in enumerate(want):
        assert expected is None or (seen["entry_o"][clock], seen["banks_o"][clock]) == expected


def test_the_longest_line() -> None:
    """Every bit of the counter within a line."""
    width, pitch = Placement.largest("width"), 50
    place = ports.pack(Placement.layout(), {"to": 5, "width": width, "pitch": pitch, "period": 3, "bank": 0})
    count = width + 2
    inputs = {"place_i": [place] * count, "valid_i": [1] * count, "first_i": [1, *[0] * (count - 1)]}
    entries = simulate(Placer(MACHINE), inputs | {"final_i": [*[0] * (count - 1), 1]}, ["entry_o"])["entry_o"]
    assert entries == [*range(5, 5 + width), 5 + pitch, 6 + pitch]


def test_verilog() -> None:
    assert "module placer(" in converted(Placer(MACHINE), "placer")


def test_wants_a_machine() -> None:
    refuses(Placer)
