"""A file for each module: together they are the text."""

from __future__ import annotations

import pytest

from skipbeat_hw.tools.delivery.module_files import module_files

PART = "module part(a);\n  input a;\nendmodule\n"
TOP = "module top(a);\n  input a;\n  part p (\n    .a(a)\n  );\nendmodule\n"


def test_each_module_is_a_file() -> None:
    assert module_files(f"// title\n/* two\nlines */\n{TOP}\n{PART}") == {"top": TOP, "part": PART}


@pytest.mark.parametrize("text", [f"{PART}{PART}", f"`define WIDTH 3\n{PART}", "module open(a);\n  input a;\n"])
def test_what_is_no_list_of_modules(text: str) -> None:
    with pytest.raises(ValueError, match="modules of different names"):
        module_files(text)
