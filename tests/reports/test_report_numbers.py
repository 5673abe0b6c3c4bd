from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_reports import numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (numbers.count(1234567), "1,234,567"),
        (numbers.ratio(1.978), "1.98×"),
        (numbers.ratio(None), "–"),
        (numbers.percent(0.98222), "98.2\u00a0%"),
        (numbers.quantity(412345.6), "412,346"),
        (numbers.quantity(52.77), "52.8"),
        (numbers.quantity(0.2222), "0.22"),
        (numbers.bits(8 * 154), "154\u00a0B"),
        (numbers.bits(8 * 1536), "1.50\u00a0KiB"),
        (numbers.bits(8 << 20), "1.00\u00a0MiB"),
        (numbers.bits(0), "0\u00a0B"),
        (numbers.duration(10_554, 200), "52.8\u00a0µs"),
        (numbers.duration(400_000_000, 200), "2.00\u00a0s"),
        (numbers.duration(400_000, 200), "2.00\u00a0ms"),
        (numbers.printable("a\x1b[31m\nb×"), "a?[31m?b×"),
    ],
)
def test_numbers_read_well(text: str, expected: str) -> None:
    assert text == expected


def test_names_that_fit_are_left_alone() -> None:
    assert numbers.shorten_all(["net.a", "net.b"], 5) == ["net.a", "net.b"]


def test_the_shared_prefix_goes_first() -> None:
    names = [f"bert.encoder.layer.{i}.attention.output" for i in range(3)]
    assert numbers.shorten_all(names, 22) == [f"…{i}.attention.output" for i in range(3)]


def test_both_ends_of_a_long_name_stay() -> None:
    assert numbers.shorten_all(["abcdefghij"], 6) == ["ab…hij"]


@given(st.lists(st.text(alphabet="ab.", max_size=40), min_size=1, max_size=5), st.integers(3, 30))
def test_short_names_fit(names: list[str], width: int) -> None:
    short = numbers.shorten_all(names, width)
    assert len(short) == len(names)
    assert max(map(len, short)) <= width


@pytest.mark.parametrize(
    ("picojoules", "text"),
    [
        (0.0, "0.00 pJ"),
        (999.0, "999 pJ"),
        (1000.0, "1.00 nJ"),
        (2.5e6, "2.50 µJ"),
        (4.35e9, "4.35 mJ"),
        (1.2e13, "12.0 J"),
    ],
)
def test_energy_takes_the_unit_that_reads_well(picojoules: float, text: str) -> None:
    assert numbers.energy(picojoules).replace("\u00a0", " ") == text


def test_an_infinite_ratio_has_its_sign() -> None:
    assert numbers.ratio(float("inf")) == "∞"
