"""Arguments of the Python API that are of the wrong kind: bad input like any other, told in one line."""

from __future__ import annotations

import os

from .errors import InputError, one_line


def expect(what: str, value: object, kind: type | tuple[type, ...], expected: str) -> None:
    """Refuse an argument that is not of `kind`; `expected` says in words what is.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, kind):
        raise InputError(f"{what}: expected {expected}, not {one_line(repr(value), 100)} ({type(value).__name__})")


def expect_whole(what: str, value: object, least: int, expected: str) -> None:
    """Refuse what is not a whole number of at least `least`; True and False are none.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{what}: expected {expected}, not {one_line(repr(value), 100)}")


def expect_path(what: str, value: object) -> None:
    """Refuse what is not the name of a file; a text without a character would be the current folder.

    Raises:
        InputError: it is not.
    """
    expect(what, value, (str, os.PathLike), "a path")
    if value == "":
        raise InputError(f"{what}: expected a path, not an empty text")
