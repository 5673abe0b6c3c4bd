from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from skipbeat_arch.cache import kept_folder
from skipbeat_arch.errors import InputError
from skipbeat_hw.simulation import cocotb_runner
from skipbeat_hw.simulation.cocotb_runner import run_cocotb

TESTS = """
import os
import random
import cocotb
from cocotb.triggers import Timer

@cocotb.test()
async def hides_what_is_not_listed(dut):
    dut.x.value = 3
    await Timer(1, unit="ns")
    assert int(dut.sign.value) == int(os.environ["EXPECTED"])

@cocotb.test()
async def draws(dut):
    cocotb.log.info("drew %d", random.getrandbits(64))
"""

SIMULATORS = [
    "verilator",
    pytest.param(
        "icarus", marks=pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
    ),
]
Simulator = Literal["verilator", "icarus"]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "little_tests.py").write_text(TESTS)
    monkeypatch.syspath_prepend(tmp_path)
    return "little_tests"


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_passes_and_failures_are_counted_and_the_build_is_kept(
    accumulate: str,
    module: str,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ports, folders = ["x", "sign", "clk"], list[Path]()

    def kept(*args: Any, **kwargs: Any) -> Path:
        folders.append(kept_folder(*args, **kwargs))
        return folders[-1]

    monkeypatch.setattr(cocotb_runner, "kept_folder", kept)
    good = run_cocotb(accumulate, "accumulate", module, ports, simulator, {"EXPECTED": "0"}, 77)
    assert (good.passed, good.failed) == (2, 0)
    assert "Seeding Python random module with 77" in good.log
    assert capsys.readouterr().err == ""

    made = {path: path.stat().st_mtime_ns for path in folders[-1].glob("*") if path.suffix != ".json"}
    bad = run_cocotb(accumulate, "accumulate", module, ports, simulator, {"EXPECTED": "1"}, 77)
    assert (bad.passed, bad.failed) == (1, 1)
    assert re.findall(r"drew \d+", bad.log) == re.findall(r"drew \d+", good.log) != []
    message = capsys.readouterr().err
    assert "seed 77: 1 of 2 failed" in message
    assert "hides_what_is_not_listed" in message
    assert {path: path.stat().st_mtime_ns for path in folders[-1].glob("*") if path.suffix != ".json"} == made != {}


def test_simulation_without_results_raises_with_its_log(accumulate: str) -> None:
    with pytest.raises(RuntimeError, match=r"no_such_module"):
        run_cocotb(accumulate, "accumulate", "no_such_module", ["x"], "verilator", {}, 0)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_broken_verilog_raises_with_the_tools_message(simulator: Simulator) -> None:
    broken = "module broken(a);\n  input a;\n  assign nothing = a +;\nendmodule\n"
    with pytest.raises(RuntimeError, match=r"compiling broken failed[\s\S]*syntax error"):
        run_cocotb(broken, "broken", "os", [], simulator, {}, 0)


def test_unknown_simulator_is_named(accumulate: str) -> None:
    with pytest.raises(InputError, match="simulator 'vcs': expected verilator or icarus"):
        run_cocotb(accumulate, "accumulate", "os", [], cast(Simulator, "vcs"), {}, 0)
