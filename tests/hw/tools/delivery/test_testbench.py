"""The written testbench in both simulators: it passes, and a wrong expectation makes its status another than 0."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from skipbeat.cli import main
from skipbeat_hw.simulation.toolchain import find_verilator
from tests.skipbeat.command_line import TINY

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
EXPECTED = {"core": "left_core_tb_results.hex", "accelerator": "left_accelerator_tb_expected.hex"}
HARDWARE = {"core": TINY, "accelerator": ("--hw", "tiny-4x4")}


def written(folder: Path, top: str, *arguments: str) -> Path:
    command = ["verilog", *HARDWARE[top], "--top", top, "--prefix", "left_", "--testbench", *arguments]
    assert main([*command, "-o", str(folder)]) == 0
    return folder


def make(folder: Path, target: str, *arguments: str, env: Mapping[str, str] = os.environ) -> tuple[int, str]:
    """Exit status, and what was said."""
    without = {name: value for name, value in env.items() if name not in {"MAKELEVEL", "MFLAGS"}}
    command = ["make", "--no-print-directory", target, *arguments]
    done = subprocess.run(command, cwd=folder, env=without, capture_output=True, text=True, check=False, timeout=600)
    return done.returncode, done.stdout + done.stderr


def spoil(file: Path) -> None:
    """One bit of the last line is wrong."""
    lines = file.read_text().splitlines()
    lines[-1] = lines[-1][:-1] + f"{int(lines[-1][-1], 16) ^ 1:x}"
    file.write_text("\n".join(lines) + "\n")


def check(folder: Path, top: str, target: str, env: Mapping[str, str] = os.environ) -> None:
    for plusargs in ("", "+stall"):
        status, said = make(folder, target, f"PLUSARGS={plusargs}", env=env)
        assert status == 0, said
        assert f"PASS: left_{top}, " in said
    spoil(folder / EXPECTED[top])
    status, said = make(folder, target, env=env)
    assert status != 0
    assert "FAIL" in said


@needs_icarus
def test_a_core_in_icarus(tmp_path: Path) -> None:
    check(written(tmp_path, "core"), "core", "icarus")


@needs_icarus
@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--split",),
        ("--set", "memory.bytes_per_clock=8"),
        ("--set", "memory.port_bytes=16"),
        ("--set", "memory.port_bytes=1", "--set", "memory.bytes_per_clock=8"),
    ],
)
def test_an_accelerator_in_icarus(arguments: tuple[str, ...], tmp_path: Path) -> None:
    check(written(tmp_path, "accelerator", *arguments), "accelerator", "icarus")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("top", EXPECTED)
def test_both_in_verilator(top: str, tmp_path: Path) -> None:
    check(written(tmp_path, top), top, "verilator", find_verilator().environment())


@pytest.mark.slow
@pytest.mark.parametrize("top", EXPECTED)
def test_the_lint_of_the_makefile(top: str, tmp_path: Path) -> None:
    status, said = make(written(tmp_path, top, "--split"), "lint", env=find_verilator().environment())
    assert status == 0, said
    assert "%Warning" not in said


@needs_icarus
@pytest.mark.slow
@pytest.mark.parametrize("top", EXPECTED)
def test_another_count_of_clocks_fails(top: str, tmp_path: Path) -> None:
    folder = written(tmp_path, top)
    bench = folder / f"left_{top}_tb.v"
    bench.write_text(
        re.sub(r"(clocks !=|!== 64'd)( ?)(\d+)", lambda f: f"{f[1]}{f[2]}{int(f[3]) + 1}", bench.read_text())
    )
    status, said = make(folder, "icarus")
    assert status != 0
    assert ", expected " in said
