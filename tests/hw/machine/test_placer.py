"""The placer in Amaranth's simulator: the entry and the banks of each vector of a place."""

from __future__ import annotations

import random

from amaranth import Module, Signal
from amaranth.lib.wiring import Component, In, Out

from skipbeat_arch import ports
from skipbeat_arch.instruction import Placement
from skipbeat_arch.machine_ports import LOCAL_BITS
from skipbeat_hw.layouts import struct
from skipbeat_hw.machine.placer import Placer, banks_of
from tests.hw.in_process import converted, refuses, simulate
from tests.hw.machine.lockstep_parts import WIDE

MACHINE = WIDE.machine


class Banks(Component):
    """`banks_of` by itself."""

    def __init__(self) -> None:
        super().__init__({"place_i": In(struct(Placement.layout())), "banks_o": Out(MACHINE.hw.array.rows)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.d.comb += self.banks_o.eq(banks_of(MACHINE, self.place_i))
        m.d.sync += Signal().eq(1)
        return m


def test_vectors_follow_lines() -> None:
    rng = random.Random(6)
    rows, per_vector = MACHINE.hw.array.rows, MACHINE.bundles
    inputs: dict[str, list[int]] = {name: [] for name in ("place_i", "single_i", "valid_i", "first_i", "final_i")}
    want: list[tuple[int, int] | None] = []
    for _ in range(20):
        period = rng.choice([p for p in range(4) if 1 << p >= per_vector])
        bank = rng.randrange(0, 1 << period, per_vector)
        place = {"to": rng.getrandbits(LOCAL_BITS), "width": rng.randint(1, 4), "pitch": rng.getrandbits(12)}
        word = ports.pack(Placement.layout(), {**place, "period": period, "bank": bank})
        count = rng.randint(1, 12)
        for i in range(count):
            for valid in (*(0 for _ in range(rng.randrange(2))), 1):
                values = (word, place["width"] == 1, valid, i == 0, i == count - 1)
                for name, value in zip(inputs, values, strict=True):
                    inputs[name].append(int(value))
                entry = (place["to"] + i // place["width"] * place["pitch"] + i % place["width"]) % (1 << LOCAL_BITS)
                into = sum(1 << r for r in range(rows) if r % (1 << period) // per_vector == bank // per_vector)
                want.append((entry, into) if valid else None)
    entries = simulate(Placer(MACHINE), inputs, ["entry_o"])["entry_o"]
    banks = simulate(Banks(), {"place_i": inputs["place_i"]}, ["banks_o"])["banks_o"]
    for clock, expected in enumerate(want):
        assert expected is None or (entries[clock], banks[clock]) == expected


def entries_of(width: int, count: int) -> list[int | None]:
    """Where so many vectors go, from entry 5 on with lines 50 apart."""
    place = ports.pack(Placement.layout(), {"to": 5, "width": width, "pitch": 50, "period": 3, "bank": 0})
    inputs = {"place_i": [place] * count, "valid_i": [1] * count, "first_i": [1, *[0] * (count - 1)]}
    inputs |= {"single_i": [int(width == 1)] * count, "final_i": [*[0] * (count - 1), 1]}
    return simulate(Placer(MACHINE), inputs, ["entry_o"])["entry_o"]


def test_the_longest_line() -> None:
    """Every bit of the counter within a line."""
    width = Placement.largest("width")
    assert entries_of(width, width + 2) == [*range(5, 5 + width), 55, 56]


def test_a_line_without_an_end() -> None:
    """Of no width, as no program of the mapper has it: the counter goes round."""
    count = Placement.largest("width") + 4
    assert entries_of(0, count) == [*range(5, 5 + count)]


def test_verilog() -> None:
    assert "module placer(" in converted(Placer(MACHINE), "placer")


def test_wants_a_machine() -> None:
    refuses(Placer)
