"""What comes from outside is quoted in one line that a terminal can show."""

from __future__ import annotations

import pytest

from skipbeat_arch.errors import MOST_CHARACTERS, InputError, described, one_line


def test_an_ordinary_message_is_left_alone() -> None:
    message = "hardware größe.yaml: array.rows: must be at least 1, not '0'"
    assert str(InputError(message)) == message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand  more", "two lines and more"),
        ("\x1b[2J", r"\u001b[2J"),
        ("\x07\x9b", r"\u0007\u009b"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("half \ud800", r"half \ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert one_line(text) == shown
    assert one_line(text).encode()


def test_a_long_name_loses_its_middle_and_the_reason_stays() -> None:
    said = str(InputError(f"layer {'x' * 100_000}: expected a number"))
    assert said.startswith("layer xxx")
    assert said.endswith("x: expected a number")
    assert len(said) < MOST_CHARACTERS + 10


def test_another_librarys_error_is_named() -> None:
    assert described(KeyError("a\nb")) == r"KeyError: 'a\nb'"
    assert described(ValueError("a\nb")) == "ValueError: a b"
    assert len(described(ValueError("x" * 10_000))) < 250
