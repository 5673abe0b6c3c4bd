"""What is not of its kind is refused where it is passed, and quoted."""

from __future__ import annotations

import re

import pytest

from skipbeat_hw.arguments import expect


class Special(dict[str, int]):
    """Of a kind that is derived."""


@pytest.mark.parametrize(("value", "kind"), [(3, int), (True, int), (Special(), dict), (None, type(None))])
def test_what_is_of_its_kind_passes(value: object, kind: type) -> None:
    expect(value, kind)


@pytest.mark.parametrize(("value", "kind"), [("3", int), (3, bool), (None, dict), ({}, Special)])
def test_what_is_not_is_quoted(value: object, kind: type) -> None:
    with pytest.raises(TypeError, match=f"^expected a {kind.__name__}, not {re.escape(repr(value))}$"):
        expect(value, kind)
