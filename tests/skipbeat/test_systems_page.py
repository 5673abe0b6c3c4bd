"""docs/systems.md: its program for Linux is one that a compiler takes, and the files that it names are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from skipbeat_hw.tools.delivery.register_files import driver_files

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "systems.md").read_text()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_program_for_linux_compiles_with_the_driver(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```c\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for name, text in {**driver_files(), "digits.c": program}.items():
        (tmp_path / name).write_text(text)
    command = [*os.environ.get("CC", "cc").split(), "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, "digits.c"], cwd=tmp_path, check=True)


def test_the_table_has_every_file_of_the_example() -> None:
    rows = re.findall(r"^\| `([\w./]+)` \|", PAGE, re.MULTILINE)
    there = {path.name for path in (ROOT / "examples" / "riscv").iterdir() if path.name != "__pycache__"}
    assert {row.rstrip("/") for row in rows} == there
