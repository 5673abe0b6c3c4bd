"""The cases of the regression: pure, varied, and inside what the hardware can hold."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.command import Encoding
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.stream import PORTS
from skipbeat_arch.tile import PackedTile, unpack_tile
from skipbeat_verify.core_streams import CoreStreams
from skipbeat_verify.regression_cases import (
    POOL,
    RegressionCase,
    case_indices,
    hardware_of,
    random_willing,
    regression_case,
)

CASES = 300


@pytest.fixture(scope="module")
def drawn() -> list[RegressionCase]:
    return [regression_case(7, index) for index in range(CASES)]


def test_the_hardware_is_known_before_the_rest_is_drawn() -> None:
    assert all(hardware_of(3, index) == regression_case(3, index).hardware for index in range(20))


def test_a_case_is_a_function_of_seed_and_index(drawn: list[RegressionCase]) -> None:
    for index in (0, 17, CASES - 1):
        again, case = regression_case(7, index), drawn[index]
        assert str(again) == str(case)
        for name in ("words", "last", "bundles", "sums"):
            np.testing.assert_array_equal(getattr(again.streams, name), getattr(case.streams, name))
        for port in PORTS:
            np.testing.assert_array_equal(again.willing[port], case.willing[port])
    assert str(regression_case(8, 17)) != str(drawn[17])


def test_the_hardware_can_be_fixed() -> None:
    hw = load_hardware("tiny-4x4")
    assert all(regression_case(7, index, hw).hardware is hw for index in range(5))


def test_cases_cover_what_they_should(drawn: list[RegressionCase]) -> None:
    assert {case.hardware.name for case in drawn} == {hw.name for hw, _ in POOL}
    gemms = [case.gemm for case in drawn if case.gemm is not None]
    assert CASES / 5 < len(gemms) < CASES / 2
    for size in ("p", "c", "k"):
        ones = sum(getattr(gemm, size) == 1 for gemm in gemms)
        assert len(gemms) / 10 < ones < len(gemms) / 2
    assert {case.pattern.kind for case in drawn} == {"dense", "nm", "unstructured", "block"}
    assert any(gemm.c % case.hardware.array.group for case in drawn if (gemm := case.gemm) is not None)
    assert 0.2 < np.mean([case.ideal for case in drawn]) < 0.5
    kinds = {case.wrong.kind for case in drawn if case.wrong is not None}
    assert len(kinds) >= 5


def test_passes_are_of_every_kind(drawn: list[RegressionCase]) -> None:
    commands = [command for case in drawn[:100] for command in case.streams.commands]
    assert any(not command.load and command.beat for command in commands), "a resident tile again"
    assert any(not command.beat for command in commands), "a null pass"
    assert any(not command.first and command.last for command in commands)
    assert {command.encoding for command in commands if command.load} == set(Encoding)
    assert any(not len(case.streams.tiles) for case in drawn[:100]), "no tile at all"


def packed_tiles(streams: CoreStreams) -> list[PackedTile]:
    """The tiles with their words, which are between the marks of the last ones."""
    parts = np.split(streams.words, np.flatnonzero(streams.last) + 1)
    named = ("encoding", "beat", "rows", "cols", "value_bits", "metadata_bits", "nonzeros", "slots")
    return [
        PackedTile(words=words, **{name: getattr(tile, name) for name in named})
        for tile, words in zip(streams.tiles, parts[:-1], strict=True)
    ]


def test_values_fit_the_numbers_and_reach_their_ends(drawn: list[RegressionCase]) -> None:
    lowest = False
    for case in drawn[:100]:
        numbers = case.hardware.numbers
        low, high = integer_range(numbers.activation_bits)
        bundles = case.streams.bundles
        assert low <= bundles.min(initial=0) <= bundles.max(initial=0) <= high
        tiles = packed_tiles(case.streams)
        low, high = integer_range(numbers.weight_bits)
        values = np.concatenate([np.zeros(0), *(unpack_tile(tile, case.hardware).ravel() for tile in tiles)])
        assert low <= values.min(initial=0) <= values.max(initial=0) <= high
        if case.extreme:
            assert set(np.unique(values)) <= {low, 0, high}
            lowest |= bool(values.size) and bool((values <= 0).all()) and low == -128
    assert lowest


def test_blocks_are_not_larger_than_the_accumulators(drawn: list[RegressionCase]) -> None:
    for case in drawn[:100]:
        assert all(1 <= command.pixels <= case.hardware.accumulators.depth for command in case.streams.commands)


def test_ports_are_idle_from_never_to_mostly_and_in_bursts_but_never_for_ever() -> None:
    rng = np.random.default_rng(0)
    patterns = [pattern for _ in range(60) for pattern in random_willing(rng).values()]
    assert all(pattern.any() for pattern in patterns)
    shares = [pattern.mean() for pattern in patterns]
    assert min(shares) < 0.15
    assert max(shares) == 1
    changes = [int(np.count_nonzero(np.diff(pattern))) for pattern in patterns if 0.2 < pattern.mean() < 0.8]
    assert min(changes) < 25, "no bursts"
    assert max(changes) > 150, "no single clocks"


def test_the_pool_spans_the_groups_and_lanes() -> None:
    hardware = [hw for hw, _ in POOL]
    assert {hw.array.group for hw in hardware} == {1, 4, 8, 16}
    assert {hw.weights.decode_lanes for hw in hardware} >= {1, 2, 4, 8}
    assert {(2, 2), (16, 16)} <= {(hw.array.rows, hw.array.cols) for hw in hardware}
    assert len({hw.name for hw in hardware}) == len(hardware)


def test_indices() -> None:
    assert list(case_indices(3)) == [0, 1, 2]
    assert list(case_indices(3, [17, 4])) == [17, 4]
