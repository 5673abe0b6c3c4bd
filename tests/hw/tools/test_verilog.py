"""The Verilog of the core: complete, without copies of the PE, and read by other tools without a complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from skipbeat_arch.command import COMMAND_BITS
from skipbeat_arch.hardware import load_hardware, preset_names
from skipbeat_hw.simulation.ports import Port, read_ports
from skipbeat_hw.tools.verilog import core_verilog
from tests.hw.tools.linted import linted

QUICK = "tiny-4x4"
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in preset_names() if name != QUICK]


@cache
def _text(preset: str) -> str:
    return core_verilog(load_hardware(preset))


@pytest.mark.parametrize("preset", [QUICK, *SLOW])
def test_ports_are_those_of_the_hardware(preset: str) -> None:
    hw = load_hardware(preset)
    rows, cols = hw.array.rows, hw.array.cols
    streams = {
        "commands": (COMMAND_BITS, True),
        "weights": (hw.word_bits + 1, True),
        "activations": (rows * hw.array.group * hw.numbers.activation_bits, True),
        "results": (cols * hw.numbers.accumulator_bits, False),
    }
    expected = {"clk": Port("clk", 1, True), "rst": Port("rst", 1, True)}
    for name, (width, is_input) in streams.items():
        expected[f"{name}__payload"] = Port(f"{name}__payload", width, is_input)
        expected[f"{name}__valid"] = Port(f"{name}__valid", 1, is_input)
        expected[f"{name}__ready"] = Port(f"{name}__ready", 1, not is_input)
    found = read_ports(_text(preset), "core")
    assert {name: port for name, port in found.items() if name in expected} == expected
    assert set(found) - set(expected) == {"error", "busy", "activity"}


@pytest.mark.parametrize("preset", [QUICK, *SLOW])
def test_a_cell_is_one_module_placed_many_times(preset: str) -> None:
    text, hw = _text(preset), load_hardware(preset)
    modules = re.findall(r"^module (\S+?)\(", text, re.MULTILINE)
    assert len(modules) == len(set(modules))
    for cell, count in (("skipbeat_pe", hw.pes), ("skipbeat_accumulator", hw.array.cols)):
        assert modules.count(cell) == 1
        assert len(re.findall(rf"^ +{cell} \S+ \($", text, re.MULTILINE)) == count
        assert not [name for name in modules if name.startswith(f"{cell}$")]


@pytest.mark.parametrize("preset", [QUICK, *SLOW])
def test_verilator_has_no_complaint(preset: str, tmp_path: Path) -> None:
    assert linted(_text(preset), "core", tmp_path) == ""


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
@pytest.mark.parametrize("preset", [QUICK, *SLOW])
def test_icarus_has_no_complaint(preset: str, tmp_path: Path) -> None:
    (tmp_path / "core.v").write_text(_text(preset))
    command = ["iverilog", "-g2001", "-Wall", "-t", "null", "-s", "core", "core.v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_is_the_same_every_time() -> None:
    assert core_verilog(load_hardware(QUICK)) == _text(QUICK)
