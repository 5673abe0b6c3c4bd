"""`skipbeat verilog` as a user calls it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skipbeat.cli import main
from skipbeat_arch.hardware import load_hardware
from tests.skipbeat.command_line import TINY


def generate(folder: Path, *arguments: str) -> str:
    assert main(["verilog", *arguments, "-o", str(folder)]) == 0
    return (folder / "core.v").read_text()


def test_it_writes_the_core_and_what_goes_with_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "rtl"
    text = generate(folder, *TINY)
    names = ["core.v", "hardware.yaml", "filelist.f", "core_ooc.xdc", "core.sdc"]
    assert capsys.readouterr().out.split() == [str(folder / name) for name in names]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert load_hardware(folder / "hardware.yaml") == load_hardware(TINY[1], TINY[3::2])
    assert text.startswith(
        "// skipbeat core for tiny-4x4+array.rows=2+array.cols=2+weights.decode_lanes=1: 2 x 2 PEs, M"
    )
    assert len(re.findall(r"^module core\(", text, re.MULTILINE)) == 1


def test_all_files_are_there_when_the_reader_of_their_names_has_gone(tmp_path: Path) -> None:
    """As `| head -1` has."""
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "skipbeat", "verilog", *TINY, "-o", str(tmp_path / "rtl")]
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
    generate(tmp_path / "whole", *TINY)
    assert {path.name: path.read_bytes() for path in (tmp_path / "rtl").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()
    }


def test_the_pe_is_one_module_placed_many_times(tmp_path: Path) -> None:
    text = generate(tmp_path, *TINY)
    (module,) = set(re.findall(r"^module (\S*pe)\(", text, re.MULTILINE))
    assert len(re.findall(rf"^ +{module} \S+ \(", text, re.MULTILINE)) == 4


def test_it_is_the_same_every_time_also_apart_and_says_nothing_of_this_machine(tmp_path: Path) -> None:
    """With --split there is a file for each module, and the list names them; together they are the one file."""
    whole = generate(tmp_path / "one", *TINY)
    assert str(Path.cwd()) not in whole
    assert main(["verilog", *TINY, "--split", "-o", str(tmp_path / "apart")]) == 0
    listed = (tmp_path / "apart" / "filelist.f").read_text().split()
    assert sorted(listed) == sorted(f"core/{path.name}" for path in (tmp_path / "apart" / "core").iterdir())
    title, *lines = [line for line in whole.splitlines() if line and not line.startswith("/*")]
    parts = [(tmp_path / "apart" / name).read_text() for name in listed]
    assert all(part.startswith(f"{title}\nmodule {Path(name).stem}(") for part, name in zip(parts, listed, strict=True))
    assert [line for part in parts for line in part.splitlines()[1:]] == lines


def test_an_accelerator_comes_with_its_registers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = "\nmodule accelerator(clk, m_axi_araddr);\n  input clk;\n  output [31:0] m_axi_araddr;\nendmodule\n"
    monkeypatch.setattr("skipbeat_hw.tools.verilog.accelerator_verilog", lambda machine: ports)
    assert main(["verilog", "--hw", "tiny-4x4", "--top", "accelerator", "--prefix", "my_", "-o", str(tmp_path)]) == 0
    assert "addrmap my_accelerator {" in (tmp_path / "my_accelerator.rdl").read_text()
    driver = {"skipbeat.c", "skipbeat.h", "skipbeat_registers.h"}
    assert {path.name for path in (tmp_path / "driver").iterdir()} == driver
    written = capsys.readouterr().out.split()
    assert {str(tmp_path / "driver" / name) for name in driver} < set(written)


def test_two_builds_fit_into_one_design(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every module has the prefix, the file too, and no name is escaped."""
    assert main(["verilog", *TINY, "--prefix", "left_", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split()[0] == str(tmp_path / "left_core.v")
    text = (tmp_path / "left_core.v").read_text()
    assert "\\" not in text
    assert all(name.startswith("left_") for name in re.findall(r"^module (\S+?)\(", text, re.MULTILINE))


@pytest.mark.parametrize("prefix", ["1st", "a-b", "a b", "$"])
def test_a_prefix_that_is_no_name(capsys: pytest.CaptureFixture[str], tmp_path: Path, prefix: str) -> None:
    assert main(["verilog", *TINY, "--prefix", prefix, "-o", str(tmp_path)]) == 2
    assert f"--prefix {prefix}: expected letters" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("iverilog"), reason="iverilog is not installed")
def test_icarus_compiles_it(tmp_path: Path) -> None:
    generate(tmp_path, *TINY)
    command = ["iverilog", "-g2001", "-t", "null", "-s", "core", str(tmp_path / "core.v")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
