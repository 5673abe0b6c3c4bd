"""README and docs: their commands, targets, links and paths are ones that there are."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from skipbeat.cli import cli
from tests.skipbeat.documented_names import unknown_names

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
CONTEXT = click.Context(cli)
#: A command on a shell's line or quoted in a sentence, up to what a shell would do next.
COMMAND = re.compile(
    r"^(?:\$ |\$ \.venv/bin/|\.venv/bin/)skipbeat ([a-z](?:\\\n|[^\n|>#;])*)|"
    r"`(?:\.venv/bin/)?skipbeat ([a-z][^`|>#;…]*)",
    re.MULTILINE,
)
#: Folders of the source whose files the pages name with their path.
PATH = re.compile(r"`((?:arch|benchmarks|docs|examples|hw|mapper|models|reports|sim|skipbeat|tests|verify)/[\w./-]*)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def commands(text: str) -> Iterator[list[str]]:
    for found in COMMAND.finditer(text):
        yield (found[1] or found[2]).split()


def unknown(words: list[str]) -> list[str]:
    """What a command line has that the command does not know; empty if it is as it should be."""
    command = cli.get_command(CONTEXT, words[0])
    if command is None:
        return [words[0]]
    known = {"-h", "--help"}
    for parameter in command.params:
        known |= {*parameter.opts, *parameter.secondary_opts}
    return [word for word in words[1:] if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    wrong = [(words, strange) for words in commands(page.read_text()) if (strange := unknown(words))]
    assert not wrong


def test_every_command_is_in_the_readme() -> None:
    assert {words[0] for words in commands(PAGES[0].read_text())} >= set(cli.list_commands(CONTEXT))


def test_unknown_commands_and_options_are_found() -> None:
    assert list(commands("`skipbeat estimate zoo:x --prune 2:4 --nope`")) == [
        ["estimate", "zoo:x", "--prune", "2:4", "--nope"]
    ]
    assert unknown(["estimate", "zoo:x", "--prune", "2:4", "--nope"]) == ["--nope"]
    assert unknown(["estmate"]) == ["estmate"]


def test_the_readme_has_the_targets_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| `make ([a-z]+)` \|", PAGES[0].read_text(), re.MULTILINE)
    assert rows == targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for link in LINK.findall(text):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link
    for path in PATH.findall(text):
        assert "NAME" in path or (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_of_the_code_exist(page: Path) -> None:
    assert unknown_names(page.read_text()) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("`skipbeat_arch.tile.pack_tile(w)`, `skipbeat.estimate`, `skipbeat_arch.engines.Engine.others`", []),
        ("`skipbeat_arch.tile.pack_tiles`", ["skipbeat_arch.tile.pack_tiles"]),
        ("`skipbeat_arch.engines.Engine.other`", ["skipbeat_arch.engines.Engine.other"]),
        ("`Machine.of`, `Command.to_word`, `registers.Cause`, `memory.burst_beats`, `array.rows`", []),
        ("`Machine.at`, `registers.Causes`, `array.row`", ["Machine.at", "registers.Causes", "array.row"]),
        ("`BANK_CONFLICT`, `OutputStage`, `onnx_files/onnx.py`, `core.v`, `beat_i.valid`, `c`", []),
        (
            "`BANK_COMPLICT`, `OutputStagging`, `onnx_files/onyx.py`",
            ["BANK_COMPLICT", "OutputStagging", "onnx_files/onyx.py"],
        ),
    ],
)
def test_names_that_are_not_in_the_tree_are_found(text: str, unknown: list[str]) -> None:
    assert unknown_names(text) == unknown


@pytest.mark.slow
def test_the_life_of_a_weight_is_what_the_design_tells() -> None:
    """If the compiler has changed: run docs/life_figure.py, and follow the new clocks in docs/design.md."""
    told = subprocess.run(
        [sys.executable, ROOT / "docs" / "life.py"], capture_output=True, text=True, timeout=300, check=True
    ).stdout
    assert told in (ROOT / "docs" / "design.md").read_text()
