"""What is not of its kind is refused where it is passed, and quoted."""

from __future__ import annotations

import re

import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_hw.arguments import expect, expect_groups, expect_power_of_two


class Special(dict[str, int]):
    """Of a kind that is derived."""


@pytest.mark.parametrize(("value", "kind"), [(3, int), (True, int), (Special(), dict), (None, type(None))])
def test_what_is_of_its_kind_passes(value: object, kind: type) -> None:
    expect(value, kind)


@pytest.mark.parametrize(("value", "kind"), [("3", int), (3, bool), (None, dict), ({}, Special)])
def test_what_is_not_is_quoted(value: object, kind: type) -> None:
    with pytest.raises(TypeError, match=f"^expected a {kind.__name__}, not {re.escape(repr(value))}$"):
        expect(value, kind)


def test_powers_of_two_pass_and_others_are_named_and_quoted() -> None:
    for value in (1, 2, 64):
        expect_power_of_two("depth", value)
    for value in (-2, 0, 3, 96):
        with pytest.raises(ValueError, match=f"^depth must be a power of two, not {value}$"):
            expect_power_of_two("depth", value)
    with pytest.raises(ValueError, match=r"^size must be a power of two from 2 on, not 1$"):
        expect_power_of_two("size", 1, least=2)


def test_vectors_of_whole_groups() -> None:
    expect_groups(load_hardware("edge-16x16"))
    for keys in (["array.cols=6"], ["array.group=1"]):
        with pytest.raises(ValueError, match="whole groups of 2 and more, not"):
            expect_groups(load_hardware("tiny-4x4", ["weights.decode_lanes=1", "outputs.lanes=1", *keys]))
