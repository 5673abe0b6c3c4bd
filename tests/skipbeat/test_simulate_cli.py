"""`skipbeat simulate`, `compile` and `program`, with networks trained in the test."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from skipbeat.cli import main
from tests.skipbeat.command_line import complaint, json_object

pytestmark = pytest.mark.usefixtures("trained_before")

TINY = ("--hw", "tiny-4x4")


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `simulate` says after some progress, with status 2."""
    capsys.readouterr()
    assert main(["simulate", *TINY, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("skipbeat: error: ")
    assert "Traceback" not in err
    return last


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("group", [1, 4])
@pytest.mark.parametrize("source", ["zoo:digits-cnn", "zoo:tiny-resnet"])
def test_a_network_runs_on_the_rtl_as_on_the_model(capsys: pytest.CaptureFixture[str], source: str, group: int) -> None:
    changes = ["--set", f"array.group={group}"]
    report = json_object(capsys, "simulate", source, "--rtl", "--images", "4", "--batch", "2", *TINY, *changes)
    assert report["agrees"]
    assert report["bit_exact"]
    assert report["rtl_cycles"] == report["model_cycles"] == report["timing_cycles"] > 0
    assert report["core_speed"] == report["steps"] / report["timing_cycles"] <= 1
    for layer in report["layers"]:
        assert layer["bound"] in layer["bounds"]
        assert layer["rtl_cycles"] == layer["model_cycles"] == layer["timing_cycles"]


@pytest.mark.slow
def test_a_program_is_written_and_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "digits.skb"
    assert main(["compile", "zoo:digits-cnn", *TINY, "-o", str(file)]) == 0
    capsys.readouterr()
    assert main(["program", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("; for tiny-4x4, fingerprint ")
    assert any(line.startswith("HEADER ") for line in lines)
    assert lines[-1].startswith("END")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "checksum" in complaint(capsys, "program", str(file))


def test_activity_is_of_the_rtl(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run, file = ("simulate", "zoo:digits-cnn", *TINY), str(tmp_path / "a.saif")
    assert "expected --rtl" in complaint(capsys, *run, "--activity", file)
    assert "expected with --activity" in complaint(capsys, *run, "--rtl", "--window", "0", "10")
    assert ".saif or .vcd" in complaint(capsys, *run, "--rtl", "--activity", str(tmp_path / "a.txt"))


def test_hardware_without_an_accelerator_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "power of two" in complaint(capsys, "simulate", "zoo:digits-cnn", *TINY, "--set", "array.rows=3")
    assert "no such preset" in complaint(capsys, "simulate", "zoo:digits-cnn", "--hw", "none-such")


def test_a_batch_divides_the_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert "2 does not divide 3" in complaint(
        capsys, "simulate", "zoo:digits-cnn", *TINY, "--images", "3", "--batch", "2"
    )


def test_there_is_nothing_to_dump_without_a_level_that_computes(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("zoo:digits-cnn", *TINY, "--no-cycle-model", "--dump", "x.npz")
    assert "the timing model computes no output" in complaint(capsys, "simulate", *arguments)


def test_what_is_no_program_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "x.skb"
    file.write_text("not a program")
    assert "not a skipbeat program" in complaint(capsys, "program", str(file))
    assert "cannot be read" in complaint(capsys, "program", str(tmp_path / "missing.skb"))


def test_a_user_s_own_network_is_compiled_and_simulated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_network.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef build():\n    torch.manual_seed(0)\n"
        "    layers = nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 4)\n"
        "    return nn.Sequential(*layers), (torch.randn(3, 1, 8, 8),)\n\n\n"
        "def recurrent():\n    return nn.LSTM(4, 4), (torch.zeros(5, 1, 4),)\n"
    )
    report = json_object(capsys, "simulate", "own_network:build", "--images", "2", "--dump", "own.npz", *TINY)
    assert report["agrees"]
    ran = np.load("own.npz")
    assert {name: (ran[name].dtype.name, ran[name].shape) for name in ("x", "y")} == {
        "x": ("int8", (2, 1, 8, 8)),
        "y": ("int32", (2, 4, 1, 1)),
    }
    assert report["pattern"] == "as it is"
    assert report["model_cycles"] == report["timing_cycles"] > 0
    pruned = json_object(capsys, "simulate", "own_network:build", "--pattern", "1:4", "--no-cycle-model", *TINY)
    assert pruned["pattern"] == "1:4"
    assert pruned["timing_cycles"] < report["timing_cycles"]
    assert main(["compile", "own_network:build", *TINY, "-o", "own.skb", "--images", "2"]) == 0
    capsys.readouterr()
    assert main(["program", "own.skb"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("; for tiny-4x4, ")
    assert lines[1].endswith(f"int8 1x8x8, 2 images, a unit is {ran['x_scale']:.6g}")
    assert lines[2].endswith(f"int32 4x1x1, 2 images, a unit is {ran['y_scale']:.6g}")
    monkeypatch.setattr("skipbeat_models.runnable.MOST_STEPS", 4)
    assert "5 steps of a recurrent layer, each of which is a program; expected at most 4;" in refusal(
        capsys, "own_network:recurrent"
    )
    assert "own_network:build has 3 images, not 4" in refusal(capsys, "own_network:build", "--images", "4")
    assert "expected zoo:NAME or module:function" in complaint(capsys, "simulate", "network.pt2", *TINY)


def test_steps_that_find_their_weights_are_counted_and_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_layer.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef build():\n    torch.manual_seed(0)\n"
        "    return nn.RNN(4, 4), (torch.randn(3, 1, 4),)\n"
    )
    report = json_object(capsys, "simulate", "own_layer:build", "--no-cycle-model", *TINY)
    assert (report["programs"], report["kept_programs"]) == (4, 2)
    assert main(["compile", "own_layer:build", *TINY, "-o", "own.zip"]) == 0
    with ZipFile("own.zip") as archive:
        (step,) = (name for name in archive.namelist() if "weight_hh" in name)
        archive.extract(step)
    capsys.readouterr()
    assert main(["program", step]) == 0
    lines = capsys.readouterr().out.splitlines()
    (again,) = (number for number, line in enumerate(lines) if "for a run right after another one" in line)
    loads = ["kind=weights" in line for line in lines]
    assert any(loads[:again])
    assert not any(loads[again:])


def test_a_user_s_own_transformer_is_simulated_as_it_is_priced(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_block.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Block(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.embed = nn.Embedding(20, 16)\n"
        "        self.block = nn.TransformerEncoderLayer(16, 2, 32, activation='gelu', batch_first=True)\n\n"
        "    def forward(self, tokens, mask=None):\n"
        "        return self.block(self.embed(tokens), src_key_padding_mask=mask)\n\n\n"
        "def build():\n    torch.manual_seed(0)\n    print('noise')\n"
        "    return Block(), {'mask': torch.zeros(2, 6), 'tokens': torch.arange(12).reshape(2, 6)}\n"
    )
    report = json_object(capsys, "simulate", "own_block:build", "--dump", "own.npz", *TINY)
    priced = json_object(capsys, "estimate", "own_block:build", *TINY)
    assert report["agrees"]
    assert report["host_operators"]["gelu"] == 1
    assert report["host_operators"]["layer_norm"] == 2
    assert report["model_cycles"] == report["timing_cycles"] == priced["total"]["cycles"]
    assert {name: array.shape for name, array in np.load("own.npz").items()} == {
        "x0": (1, 2, 6),
        "x1": (1, 2, 6),
        "y": (1, 2, 6, 16),
    }
    assert [layer["name"] for layer in report["layers"]] == [layer["name"] for layer in priced["layers"]]
    for arguments, message in {
        ("--images", "2"): "own_block:build runs on its example inputs as they are, once, not 2 times",
        ("--layer", "block.linear1"): "layer block.linear1: own_block:build runs as many programs",
        ("--images", "2", "--batch", "2"): "--batch: own_block:build runs as many programs",
    }.items():
        assert message in refusal(capsys, "own_block:build", *arguments)
