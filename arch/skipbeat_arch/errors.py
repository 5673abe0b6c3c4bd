"""Exceptions that stand for "the user's input is wrong", and how they quote what comes from outside."""

from __future__ import annotations

import re

#: Characters of a message; a huge key, value, name or path is cut in its middle.
MOST_CHARACTERS = 600

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str, most: int = MOST_CHARACTERS) -> str:
    r"""`text` as a terminal may show it: one line, control characters as escapes, the middle of a long one left out.

    Characters that turn the direction of writing, and halves of surrogate pairs, are written as escapes too.
    """
    if len(text) > most:
        text = f"{text[: most * 2 // 3]} … {text[len(text) - most // 3 :]}"
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", " ".join(text.split()))


def described(error: BaseException) -> str:
    """What another library says, with the kind of its error, in part of a line."""
    return f"{type(error).__name__}: {one_line(str(error), 200)}"


class InputError(ValueError):
    """Bad input: the message is one line that names the thing and what was expected.

    The command line turns it into exit status 2 without a traceback.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class HostOperatorError(InputError):
    """A network that cannot be one program: an operator in it is the host's."""


class ToolError(RuntimeError):
    """A compiler or simulator failed; the message's first line says which, the others are the end of its output.

    The command line turns it into exit status 69, a line, and a file with all of the message.
    """
