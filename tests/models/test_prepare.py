"""The digits network end to end: accuracy after each step, determinism, and weights that satisfy the pattern."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.pattern import Pattern
from skipbeat_models import oracle
from skipbeat_models.prepare import PreparedDigits, prepare_digits
from skipbeat_models.pruners.block import BLOCK
from skipbeat_models.scheme import Scheme
from tests.models.groups import fullest


@pytest.fixture(scope="module")
def two_of_four() -> PreparedDigits:
    return prepare_digits(Pattern.parse("2:4"))


def test_accuracy(two_of_four: PreparedDigits) -> None:
    assert two_of_four.dense_accuracy >= 97
    assert two_of_four.pruned_accuracy >= 96.5
    assert abs(two_of_four.int8_accuracy - two_of_four.pruned_accuracy) <= 1


def test_int8_accuracy_is_the_oracles(two_of_four: PreparedDigits) -> None:
    assert (two_of_four.images.shape, two_of_four.images.dtype.name) == ((450, 1, 8, 8), "int8")
    run = oracle.run(two_of_four.network, two_of_four.images)
    assert (run.logits.argmax(axis=1) == two_of_four.labels).mean() * 100 == pytest.approx(two_of_four.int8_accuracy)
    shapes = [(trace.layer.name, trace.input.shape[1:], trace.sums.shape) for trace in run.traces]
    assert shapes == [
        ("conv1", (1, 8, 8), (450 * 64, 16)),
        ("conv2", (16, 8, 8), (450 * 64, 32)),
        ("conv3", (32, 4, 4), (450 * 16, 64)),
        ("fc", (256,), (450, 10)),
    ]


def test_weights_satisfy_the_pattern(two_of_four: PreparedDigits) -> None:
    counts = {layer.name: fullest(layer.weight, 4) for layer in two_of_four.network.layers}
    assert counts == {"conv1": 4, "conv2": 2, "conv3": 2, "fc": 2}


def test_the_same_seed_gives_the_same_network(two_of_four: PreparedDigits) -> None:
    steps: list[str] = []
    again = prepare_digits(Pattern.parse("2:4"), progress=steps.append)
    assert len(steps) == 4
    for one, other in zip(two_of_four.network.layers, again.network.layers, strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)
        np.testing.assert_array_equal(one.bias, other.bias)
    assert again.int8_accuracy == two_of_four.int8_accuracy


@pytest.mark.slow
def test_another_pattern_order_and_layer_choice() -> None:
    prepared = prepare_digits(Scheme.everywhere(Pattern.parse("1:8")), seed=1, order="cin,kh,kw")
    assert prepared.pruned_accuracy >= 92
    assert abs(prepared.int8_accuracy - prepared.pruned_accuracy) <= 1
    assert [fullest(layer.weight, 8) for layer in prepared.network.layers] == [1, 1, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["dense", "unstructured:0.25", "block:0.5"])
def test_other_kinds_of_pattern(text: str) -> None:
    pattern = Pattern.parse(text)
    prepared = prepare_digits(pattern)
    assert prepared.pruned_accuracy >= 96
    assert abs(prepared.int8_accuracy - prepared.pruned_accuracy) <= 1
    for layer in prepared.network.layers[1:]:
        down, across = BLOCK if pattern.kind == "block" else (1, 1)
        rows, cols = layer.weight.shape
        starts = [(i, j) for i in range(0, rows, down) for j in range(0, cols, across)]
        used = sum(bool(layer.weight[i : i + down, j : j + across].any()) for i, j in starts)
        assert 0 < used <= round(pattern.density * len(starts))
