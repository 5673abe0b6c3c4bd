"""The command line's frame: help, exit statuses, one line for bad input, and `skipbeat hardware`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

import skipbeat
from skipbeat.cli import cli, main
from skipbeat.options import DEFAULT_HARDWARE
from skipbeat_arch.hardware import DEFAULT_PRESET, load_hardware, preset_names
from tests.skipbeat.command_line import complaint, json_object, process

HEAVY = ("torch", "amaranth", "cocotb", "matplotlib", "sklearn", "numpy", "pydantic")


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        f"import sys; from skipbeat.cli import main; main(['--help']); print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]"), done.stdout
    for name in cli.list_commands(click.Context(cli)):
        assert f"\n  {name} " in done.stdout


def test_help_works_as_a_process() -> None:
    assert process("--help").returncode == 0


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: skipbeat {name} ")
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts} has no help"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"skipbeat {skipbeat.__version__}\n"


def test_without_a_command_it_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("Usage: skipbeat ")


def test_usage_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "hardwear").startswith("No such command 'hardwear'")
    assert complaint(capsys, "hardware", "--colour").startswith("No such option '--colour'")
    assert "requires an argument" in complaint(capsys, "hardware", "--set")
    assert complaint(capsys, "hardware", "more").endswith("(see skipbeat hardware --help)")


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert complaint(capsys, "hardware", "--hw", "edge-17x17").startswith("hardware edge-17x17: no such preset")
    assert complaint(capsys, "hardware", "--set", "array.rows=0").startswith("hardware edge-16x16: array.rows: ")
    assert complaint(capsys, "hardware", "--set", "array.group=2:4").endswith("not '2:4'")
    path = tmp_path / "mine.yaml"
    path.write_text("array: {rows: 4\n")
    assert complaint(capsys, "hardware", "--hw", str(path)).startswith(f"hardware {path}: not valid YAML")


def test_bad_input_with_a_line_break_is_still_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "hardware", "--hw", "two\nlines").startswith("hardware two lines: no such preset")


def test_the_process_says_it_too() -> None:
    done = process("hardware", "--set", "array.rows=many", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    said = "hardware edge-16x16: array.rows: input should be a valid integer, not 'many'"
    assert done.stderr == f"skipbeat: error: {said}\n"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_an_interruption_is_130_without_a_traceback(
    interruption: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise interruption

    monkeypatch.setattr("skipbeat_arch.hardware.load_hardware", interrupted)
    assert main(["hardware"]) == 130
    assert capsys.readouterr().err.strip() == "skipbeat: interrupted"


def test_a_defect_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(*_: object) -> None:
        raise ValueError("a defect of ours")

    monkeypatch.setattr("skipbeat_arch.hardware.load_hardware", defective)
    with pytest.raises(ValueError, match="a defect of ours"):
        main(["hardware"])


def test_the_default_hardware_is_arch_s() -> None:
    assert DEFAULT_HARDWARE == DEFAULT_PRESET


def test_hardware_prints_a_description(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["hardware", "--hw", "edge-8x8", "--set", "array.group=8", "--set", "name=mine"]) == 0
    path = tmp_path / "mine.yaml"
    path.write_text(capsys.readouterr().out)
    assert load_hardware(path) == load_hardware("edge-8x8", ["array.group=8", "name=mine"])
    assert "# pes:                 64  processing elements" in path.read_text()


def test_hardware_as_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["hardware"]["array"] == {"rows": 16, "cols": 16, "group": 4}
    assert shown["derived"]["pes"] == 256


def test_hardware_lists_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "--presets"]) == 0
    assert capsys.readouterr().out.split() == preset_names()
    assert json_object(capsys, "hardware", "--presets")["presets"] == preset_names()


def test_a_description_without_an_accelerator_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lacking = "the accelerator needs array.group <= array.cols <= rows x group"
    assert main(["hardware", "--set", "array.group=32"]) == 0
    shown = capsys.readouterr().out
    assert f"# A core alone, and no accelerator: {lacking}.\n" in shown
    (tmp_path / "mine.yaml").write_text(shown)
    assert json_object(capsys, "hardware", "--hw", str(tmp_path / "mine.yaml"))["no_accelerator"] == lacking
    assert json_object(capsys, "hardware")["no_accelerator"] is None
    assert main(["hardware"]) == 0
    assert "no accelerator" not in capsys.readouterr().out
