"""YAML as people mean it: YAML 1.2's numbers, no key twice, no tags, and bounded in what it may ask for."""

from __future__ import annotations

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.yaml_file import parse_mapping, parse_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-7", -7),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-11-27", "2026-11-27"),
        ("'2'", "2"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_values_are_those_of_the_core_schema(text: str, value: object) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 x"]
    lines += [f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * width)}]" for i in range(levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1e400", "line 1: 1e400 is not a finite number"),
        ("a: -.inf", "line 1: -.inf is not a finite number"),
        ("a: 9223372036854775808", "line 1: 9223372036854775808 is too large a number"),
        ("a: 0x" + "f" * 100_000, "is too large a number"),
        ("a: " + "[" * 40, "nested deeper than 32 levels"),
        (bomb(9, 9), "more than 32 aliases"),
        ("a: &a [1, {b: *a}]", "an alias stands inside of what it stands for"),
        ("&a {b: *a}", "an alias stands inside of what it stands for"),
        ("b: 1\na: !!timestamp 2026-01-01", "line 2: the tag tag:yaml.org,2002:timestamp is not known here"),
        ("a: !!python/object/apply:os.getcwd []", "is not known here"),
        ("a: 1\na: 2", "line 2: the key a stands twice"),
        ("a: !!int x", "invalid literal"),
        ("? [a]\n: 1", "found unhashable key"),
        ("a: '\0'", "unacceptable character"),
        ("- a", "expected a mapping of keys, found list"),
    ],
)
def test_what_is_refused_gets_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_mapping(text, "scheme x")
    assert str(caught.value).startswith("scheme x: ")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_few_aliases_are_as_in_any_yaml() -> None:
    assert parse_mapping(bomb(2, 2), "x")["a2"] == [["x", "x"], ["x", "x"]]
