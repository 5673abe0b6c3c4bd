"""Work tells how far it is, from whatever depth."""

from __future__ import annotations

import pytest

from skipbeat_arch.progress import meter, part, through, told


def test_parts_of_parts_add_up_to_the_whole() -> None:
    said: list[tuple[float, str]] = []
    with told(lambda share, name: said.append((share, name))):
        for layer in through(["a", "b"], str, {"a": 3, "b": 1}.__getitem__):
            with part(0.5, f"{layer}, first"):
                reach = meter()
                reach(0.5)
            assert list(through(range(2))) == [0, 1]
    shares = [share for share, _ in said]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert (0.1875, "a, first") in said
    assert (0.75, "b") in said
    assert (0.9375, "b, first") in said


def test_nobody_is_told() -> None:
    reach = meter()
    with part(0.5):
        reach(1.0)
    assert list(through([1, 2], str)) == [1, 2]


def test_an_item_without_weight_takes_no_share() -> None:
    said: list[float] = []
    with told(lambda share, _: said.append(share)):
        list(through("ab", weight=lambda _: 0.0))
    assert said == [0.0, 0.0, 1.0]


def test_what_fails_tells_no_more() -> None:
    said: list[float] = []
    with pytest.raises(ValueError, match="broken"), told(lambda share, _: said.append(share)), part(0.5):
        raise ValueError("broken")
    assert said == [0.0]
    assert list(through("a")) == ["a"]
    assert said == [0.0]
