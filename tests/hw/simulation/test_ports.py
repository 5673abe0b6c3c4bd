from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_hw.simulation.ports import Port, columns, from_words, read_ports, to_words


def test_ports_of_the_named_module_only(fifo: str) -> None:
    ports = read_ports(fifo, "fifo")
    assert ports["i__payload"] == Port("i__payload", 100, True)
    assert ports["o__valid"] == Port("o__valid", 1, False)
    assert ports.keys() == {"clk", "rst"} | {f"{s}__{p}" for s in "io" for p in ("payload", "valid", "ready")}


def test_unknown_module_is_named(fifo: str) -> None:
    with pytest.raises(InputError, match="no module 'fif'"):
        read_ports(fifo, "fif")


@given(st.integers(1, 300).flatmap(lambda w: st.tuples(st.just(w), st.lists(st.integers(0, 2**w - 1)))))
def test_words_round_trip(case: tuple[int, list[int]]) -> None:
    width, values = case
    words = to_words(values, Port("p", width, True))
    assert words.shape == (len(values), -(-width // 32))
    assert from_words(words) == values


def test_negative_values_are_twos_complement_of_the_port() -> None:
    assert from_words(to_words([-1, -(1 << 69)], Port("p", 70, True))) == [2**70 - 1, 1 << 69]


@pytest.mark.parametrize("value", [16, -9])
def test_value_too_large_is_named(value: int) -> None:
    with pytest.raises(InputError, match=f"port p: value {value} at 1 does not fit in 4 bits"):
        to_words([0, value], Port("p", 4, True))


def test_columns_follow_one_another() -> None:
    assert columns([Port("a", 1, True), Port("b", 65, True)]) == {"a": slice(0, 1), "b": slice(1, 4)}
