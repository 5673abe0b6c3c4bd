"""The house's rules for its own source: small rooms that can be found."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("arch", "hw", "sim", "mapper", "models", "reports", "verify", "skipbeat", "examples")
FILES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
#: Lines of a file, docstrings included.
MOST_LINES = 300
#: Lines of a function, its docstring left out: a command's is its --help.
MOST_FUNCTION_LINES = 50


def test_no_file_is_too_long() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: count for name, count in lines.items() if count > MOST_LINES}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}: {node.name}": function_lines(node)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: count for name, count in lengths.items() if count > MOST_FUNCTION_LINES}


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the end, without the docstring; decorators are not counted."""
    assert node.end_lineno is not None
    lines, first = node.end_lineno - node.lineno + 1, node.body[0]
    if ast.get_docstring(node) is None:
        return lines
    assert first.end_lineno is not None
    return lines - (first.end_lineno - first.lineno + 1)


@pytest.mark.parametrize("part", [part for part in PARTS if part not in {"hw", "sim"}])
def test_no_two_files_of_a_part_have_one_name(part: str) -> None:
    names = Counter(path.name for path in FILES if path.is_relative_to(ROOT / part) and path.name != "__init__.py")
    assert not [name for name, count in names.items() if count > 1]


def test_names_of_arrays_stand_in_one_file() -> None:
    alias = re.compile(r"^\w+ = .*\bNDArray\[", re.M)
    named = [str(path.relative_to(ROOT)) for path in (*FILES, *TESTS) if alias.search(path.read_text())]
    assert named == ["arch/skipbeat_arch/arrays.py"]


@pytest.mark.parametrize("part", ["hw", "mapper"])
def test_every_file_has_a_test_of_its_name(part: str) -> None:
    """`array.py` has `test_array.py`, or as `output.py` `test_output_lockstep.py`."""
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / part).rglob("test_*.py")}
    files = [path for path in FILES if path.is_relative_to(ROOT / part) and path.name != "__init__.py"]
    assert files
    alone = [path for path in files if not any(f"{name}_".startswith(f"{path.stem}_") for name in tests)]
    assert not [str(path.relative_to(ROOT)) for path in alone]


def test_the_regression_leaves_no_test_out() -> None:
    target = (ROOT / "Makefile").read_text().partition("\nregress:")[2].partition("\n\n")[0]
    (command,) = [line for line in target.splitlines() if "pytest" in line]
    assert command.split("pytest")[1].split() == ["-n", "$(JOBS)", "--dist", "worksteal"]


def test_no_check_is_suppressed() -> None:
    marks = ("fmt: " + "skip", "# no" + "qa", "type: " + "ignore")
    suppressed = [path for path in (*FILES, *TESTS) if any(mark in path.read_text() for mark in marks)]
    assert not [str(path.relative_to(ROOT)) for path in suppressed]
