"""A lane of the output stage against integers of any size."""

from __future__ import annotations

import random

from skipbeat_hw.machine.requantise import Requantiser
from tests.hw.in_process import converted, simulate

SUM, FACTOR = 1 << 32, (1 << 31) - 1
COLUMNS = ("sum_i", "multiplier_i", "residual_i", "residual_multiplier_i", "shift_i")


def _columns(rng: random.Random) -> list[tuple[int, int, int, int, int]]:
    """(sum, multiplier, residual, its multiplier, shift): extremes, results near the clamp, and any."""
    ends = [(end, FACTOR, rest, FACTOR, shift) for end in (-SUM, SUM - 1) for rest in (-128, 127) for shift in (1, 62)]
    every = [
        (
            rng.choice([-1, 1]) * rng.getrandbits(rng.randint(0, 32)),
            rng.getrandbits(31),
            rng.randint(-128, 127),
            rng.getrandbits(31),
            shift,
        )
        for shift in [*range(63), *range(63)]
    ]
    near = [
        ((rng.randint(-520, 520) << shift) // (2 * factor), factor, rng.randint(-1, 1), 1, shift)
        for shift in range(1, 32)
        for factor in (1, 3, max(1, (1 << shift) // 2))
    ]
    return ends + every + [column for column in near if abs(column[0]) < SUM]


def test_every_shift_and_both_ends_of_the_clamp() -> None:
    rng = random.Random(9)
    columns = _columns(rng)
    for low, high in ((-128, 127), (-3, 100), (127, 127)):
        held = len(columns) + Requantiser.LATENCY
        inputs = {
            name: [*values, *[0] * Requantiser.LATENCY]
            for name, values in zip(COLUMNS, zip(*columns, strict=True), strict=True)
        }
        got = simulate(Requantiser(), inputs | {"low_i": [low] * held, "high_i": [high] * held}, ["byte_o"])["byte_o"]
        seen = [((value or 0) + 128) % 256 - 128 for value in got[Requantiser.LATENCY :]]
        want = [
            min(max((total * factor + rest * other + (1 << shift >> 1)) >> shift, low), high)
            for total, factor, rest, other, shift in columns
        ]
        assert seen == want
        assert {low, high} <= set(want)


def test_what_is_noted() -> None:
    """The low 40 bits of what is shifted, which bytes were clamped, and that sums above 0 become at least 1."""
    columns = _columns(random.Random(10))
    columns += [(total, 1, 0, 0, shift) for total in (-1, 0, 1, 3) for shift in (1, 2, 3, 40, 62)]
    latency = Requantiser.LATENCY
    for low, high in ((0, 127), (-127, 127), (0, 6)):
        held = len(columns) + latency
        inputs = {
            name: [*values, *[0] * latency] for name, values in zip(COLUMNS, zip(*columns, strict=True), strict=True)
        }
        inputs |= {"low_i": [low] * held, "high_i": [high] * held, "noted_i": [1] * held}
        got = simulate(Requantiser(notes=True), inputs, ["byte_o", "scaled_o", "clipped_o"])
        scaled = [total * factor + rest * other for total, factor, rest, other, _ in columns]
        rounded = [(value + (1 << shift >> 1)) >> shift for value, (*_, shift) in zip(scaled, columns, strict=True)]
        least = [int(low == 0 and value > 0) for value in scaled]
        made = [min(max(value, low) or floor, high) for value, floor in zip(rounded, least, strict=True)]
        clipped = [int(value > high or (value < low < 0)) for value in rounded]
        assert [((value or 0) + 128) % 256 - 128 for value in got["byte_o"][latency:]] == made
        assert [(value or 0) % (1 << 40) for value in got["scaled_o"][4:-3]] == [value % (1 << 40) for value in scaled]
        assert got["clipped_o"][latency:] == clipped
        assert any(value == 0 and floor for value, floor in zip(rounded, least, strict=True)) == (low == 0)


def test_verilog() -> None:
    assert "module requantiser(" in converted(Requantiser(), "requantiser")
