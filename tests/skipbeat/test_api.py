"""`import skipbeat`: the names are there, and cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import skipbeat
from skipbeat_arch.hardware import Hardware


@pytest.mark.parametrize("name", skipbeat.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(skipbeat, name).__name__ == name
    assert name in dir(skipbeat)


def test_a_name_is_the_part_s_own() -> None:
    assert skipbeat.Hardware is Hardware


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'skipbeat' has no attribute 'Hardwear'"):
        _ = skipbeat.Hardwear


def test_the_import_alone_imports_no_part() -> None:
    code = "import sys, skipbeat; print([m for m in sys.modules if m.startswith('skipbeat_')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
