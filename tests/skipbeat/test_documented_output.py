"""What the pages say that commands print is what they print."""

from __future__ import annotations

import platform
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.skipbeat.documented_output import Example, examples, missing_line, printed_by

ROOT = Path(__file__).parents[2]
COMMANDS = list(examples((ROOT / "docs" / "commands.md").read_text()))
#: Words of commands that are another program's, take minutes, or would empty the user's cache.
_ELSEWHERE = ("synth", "cache", ".venv/bin/python", "make")
#: Those of commands that compile RTL, or price a large network or a study, and what other processors and libraries
#: print otherwise: of a network whose weights are trained, and how small a file can be packed.
_SLOW = ("--rtl", "cosim", "regress", "sweep", "zoo:resnet-18", "zoo:digits-cnn", "compile")


def _named(block: tuple[Example, ...]) -> str:
    return re.sub(r"[^\w]+", "-", block[-1].command)[:40]


def _cases() -> list[object]:
    found: list[object] = []
    for block in COMMANDS:
        words = {word for example in block for word in example.command.split()}
        if not words & set(_ELSEWHERE):
            marks = [pytest.mark.slow] if words & set(_SLOW) else []
            found.append(pytest.param(block, marks=marks, id=_named(block)))
    return found


@pytest.mark.parametrize("block", _cases())
def test_commands_print_what_is_shown(
    block: tuple[Example, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trained_before: None,
) -> None:
    """If a figure has changed for a reason: put what is printed now into docs/commands.md."""
    text = " ".join(example.command for example in block)
    if "sweep" in text:
        pytest.importorskip("optuna")
    if "digits" in text and (platform.machine() != "x86_64" or version("torch").split("+")[0] != _torch()):
        pytest.skip("other libraries and processors train other weights")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.py").write_text(_own_model())
    for example in block:
        printed = printed_by(example.command, example.shown, capsys)
        if example.shown:
            assert missing_line(example.shown, printed) is None, "\n".join(printed)


def _torch() -> str:
    """The version with which the figures were made."""
    (found,) = re.findall(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    return str(found)


def _own_model() -> str:
    """The module that the pages call `mine`."""
    page = (ROOT / "docs" / "howto.md").read_text()
    return page.partition("`mine.py` in the current folder:\n\n```python\n")[2].partition("```")[0]


def test_examples_are_read_with_what_follows_them() -> None:
    page = (
        "text\n```console\n$ skipbeat zoo > a\n$ skipbeat hardware | head -1\none\n…\n\n```\n```console\n$ none\n```\n"
    )
    ((first, second),) = examples(page)
    assert (first.command, first.shown) == ("skipbeat zoo > a", ())
    assert (second.command, second.shown) == ("skipbeat hardware | head -1", ("one", "…", ""))


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (["a", "b", "c"], None),
        (["a", "…"], None),
        (["a", "…", "c"], None),
        (["…", "c"], None),
        (["a", "c"], "c"),
        (["a", "b"], "no end after: b"),
        (["a", "…", "b"], "no end after: b"),
        (["a", "…", "d"], "d"),
        (["b", "…"], "b"),
        (["a", "b", "c", "d"], "d"),
    ],
)
def test_a_line_that_is_not_printed_is_found(shown: list[str], missing: str | None) -> None:
    assert missing_line(tuple(shown), ["a", "b", "c"]) == missing
