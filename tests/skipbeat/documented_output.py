"""Examples of the pages, a command and what it prints: read, run in this process, and compared."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from skipbeat.cli import main

#: What stands for lines that are left out.
LEFT_OUT = "…"
#: Lines whose figures are another machine's: only their names are compared.
_OF_THE_MACHINE = re.compile(r"(clocks_per_second) .*")
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A command of a page, with the lines that follow it there."""

    command: str
    shown: tuple[str, ...]


def examples(text: str) -> Iterator[tuple[Example, ...]]:
    """The commands of each block of a page that shows what they print."""
    for block in _BLOCK.findall(text):
        found: list[Example] = []
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, rest = part.partition("\n")
            found.append(Example(command, tuple(map(_comparable, rest.splitlines()))))
        if any(example.shown for example in found):
            yield tuple(found)


def missing_line(shown: tuple[str, ...], printed: list[str]) -> str | None:
    """The first line that is shown and not printed, in its order and beside its neighbours; None: all of it is.

    Lines follow one another as they are shown, unless some are left out between them.
    """
    place, free = 0, False
    for line in shown:
        if line == LEFT_OUT:
            free = True
            continue
        where = next((at for at in range(place, len(printed)) if printed[at] == line), None) if free else place
        if where is None or where >= len(printed) or printed[where] != line:
            return line
        place, free = where + 1, False
    return None if free or place == len(printed) else f"no end after: {shown[-1]}" if shown else None


def printed_by(command: str, shown: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What a command prints, and what it says of progress if that is shown too.

    Files are written in the current folder; one that `cat` shows is made of what is shown.
    """
    line, _, target = command.partition(" > ")
    line, _, after = line.partition(" | ")
    words = shlex.split(line)
    if words[0] == "cat":
        Path(words[1]).write_text("\n".join(shown) + "\n")
        return list(shown)
    if words[0] == "skipbeat":
        main(words[1:])
        out, err = capsys.readouterr()
        text = err + out if any(each.startswith("skipbeat: ") for each in shown) else out
    else:
        text, after = Path(words[-1]).read_text(), " ".join(words[:-1])
    lines = [*_filtered(text.splitlines(), after)]
    if target:
        Path(target).write_text("\n".join(lines) + "\n")
        return []
    return [*map(_comparable, lines)]


def _filtered(lines: list[str], after: str) -> list[str]:
    match shlex.split(after):
        case ["head", count]:
            return lines[: int(count[1:])]
        case ["tail", count]:
            return lines[-int(count[1:]) :]
        case ["grep", word]:
            return [line for line in lines if word in line]
        case []:
            return lines
    raise ValueError(after)


def _comparable(line: str) -> str:
    line = re.sub(r" \(\d+ (?:s|min) left\)", "", line)
    return _OF_THE_MACHINE.sub(r"\1", line.replace("\u00a0", " ").rstrip())
