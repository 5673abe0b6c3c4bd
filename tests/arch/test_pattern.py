"""Sparsity patterns as a user writes them, in every form and with every mistake."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import EXPECTED, Pattern, measured_pattern, measured_pattern_of
from skipbeat_arch.yaml_file import parse_value


def refusal(text: object) -> str:
    with pytest.raises(InputError) as caught:
        Pattern.parse(text)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_each_form() -> None:
    assert Pattern.parse("dense") == Pattern("dense")
    assert Pattern.parse("2:4") == Pattern("nm", 2, 4, 0.5)
    assert Pattern.parse("4:4") == Pattern("nm", 4, 4, 1.0)
    assert Pattern.parse("1:64") == Pattern("nm", 1, 64, 1 / 64)
    assert Pattern.parse("unstructured:0.3") == Pattern("unstructured", density=0.3)
    assert Pattern.parse("block:.25") == Pattern("block", density=0.25)
    assert Pattern.parse("unstructured:0") == Pattern("unstructured", density=0.0)
    assert Pattern.parse("block:1") == Pattern("block", density=1.0)
    assert Pattern.parse({"n": 2, "m": 8}) == Pattern("nm", 2, 8, 0.25)


@given(m=st.integers(2, 128), data=st.data())
def test_nm_survives_being_written(m: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, m))
    pattern = Pattern.parse(f"{n}:{m}")
    assert (pattern.n, pattern.m, pattern.density) == (n, m, n / m)
    assert Pattern.parse(str(pattern)) == pattern


@given(kind=st.sampled_from(["unstructured", "block"]), density=st.floats(0, 1))
def test_a_density_survives_being_written_to_the_last_bit(kind: str, density: float) -> None:
    pattern = Pattern.parse(f"{kind}:{density!r}")
    assert pattern.density == density
    assert Pattern.parse(str(pattern)) == pattern


def test_dense_is_written_as_it_is_read() -> None:
    assert str(Pattern.parse("dense")) == "dense"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0:4", "pattern 0:4: N must be in 1..4, not 0"),
        ("5:4", "pattern 5:4: N must be in 1..4, not 5"),
        ("1:1", "pattern 1:1: M must be in 2..128, not 1"),
        ("0:0", "pattern 0:0: M must be in 2..128, not 0"),
        ("2:129", "pattern 2:129: M must be in 2..128, not 129"),
        ("unstructured:1.5", "pattern unstructured:1.5: the density must be in 0..1, not 1.5"),
        ("unstructured:-0.1", "pattern unstructured:-0.1: the density must be in 0..1, not -0.1"),
        ("block:1e400", "pattern block:1e400: the density must be in 0..1, not inf"),
        ({"n": 6, "m": 4}, "pattern 6:4: N must be in 1..4, not 6"),
    ],
)
def test_a_value_out_of_range_is_named(text: object, said: str) -> None:
    assert refusal(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sparse",
        "Dense",
        "2:4 ",
        " 2:4",
        "2:4\n",
        "-2:4",
        "2:-4",
        "2:4:8",
        "2/4",
        "2.0:4",
        "1000:2000",
        ":4",
        "2:",
        "unstructured",
        "unstructured:",
        "unstructured:e",
        "unstructured:1.2.3",
        "unstructured:nan",
        "unstructured:50%",
        "block:half",
        None,
        0.5,
        ["2:4"],
        True,
        {"n": 2},
        {"n": 2, "m": 4, "k": 1},
        {"n": 2.5, "m": 4},
        {"n": True, "m": 4},
    ],
)
def test_another_form_is_refused_with_the_forms_there_are(text: object) -> None:
    assert EXPECTED in refusal(text)


@pytest.mark.parametrize("text", ["1:4", "2:4", "4:8", "1:16", "2:8"])
def test_a_pattern_needs_no_quotes_in_yaml(text: str) -> None:
    n, m = text.split(":")
    assert Pattern.parse(parse_value(text)) == Pattern.parse(parse_value(f"{{n: {n}, m: {m}}}")) == Pattern.parse(text)


@pytest.mark.parametrize("number", [4, 0, -124])
def test_an_integer_is_no_pattern(number: int) -> None:
    assert refusal(number) == f"pattern {number}: {EXPECTED}"


def _grouped(n: int, m: int, rows: int = 128, cols: int = 5, seed: int = 0) -> Int8Array:
    """Weights with exactly n nonzeros in each group of m rows."""
    rank = np.random.default_rng(seed).random((rows // m, m, cols)).argsort(axis=1).argsort(axis=1)
    return (rank < n).reshape(rows, cols).astype(np.int8)


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (2, 8), (1, 8), (4, 8), (3, 16), (1, 32), (16, 64), (4, 128)])
def test_the_measured_pattern_is_the_one_that_was_pruned(n: int, m: int) -> None:
    assert str(measured_pattern(_grouped(n, m))) == f"{n}:{m}"


def test_one_weight_too_many_breaks_the_pattern() -> None:
    weight = _grouped(2, 4)
    weight[:4, 0] = 1
    assert str(measured_pattern(weight)) != "2:4"


def test_without_a_pattern_the_density_is_measured() -> None:
    assert measured_pattern(np.ones((64, 5), np.int8)) == Pattern("dense")
    weight = np.ones((64, 4), np.int8)
    weight[:, :2] = 0
    assert measured_pattern(weight) == Pattern("unstructured", density=0.5)
    assert measured_pattern(np.zeros((64, 4), np.int8)) == Pattern("unstructured", density=0.0)


def test_scattered_zeros_are_no_loose_pattern() -> None:
    scattered = np.random.default_rng(0).random((512, 64)) < 0.3
    found = measured_pattern(scattered)
    assert found.kind == "unstructured"
    assert found.density == pytest.approx(0.3, abs=0.01)
    assert measured_pattern(np.random.default_rng(0).random((512, 64)) < 0.85).kind == "unstructured"


@pytest.mark.parametrize("columns", [1, 5, 64])
def test_columns_may_come_in_parts(columns: int) -> None:
    random = np.random.default_rng(columns)
    for weight in (_grouped(2, 4), _grouped(5, 16), random.random((200, 70)) < 0.4, np.ones((20, 9), np.int8)):
        parts = [weight[:, start : start + columns] for start in range(0, weight.shape[1], columns)]
        assert measured_pattern_of(parts) == measured_pattern(weight)
    halves = [_grouped(2, 8), _grouped(3, 8)]
    assert str(measured_pattern_of(halves)) == "3:8"
