"""`skipbeat train`: what it says, writes and refuses."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from skipbeat.cli import main
from skipbeat.commands.train import TRAIN_IMAGES
from skipbeat_models.digits_data import load_data
from tests.skipbeat.command_line import complaint, json_object

RUN = ("train", "zoo:digits-cnn", "--steps", "2", "--batch", "16")


def test_a_training_and_its_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, table = tmp_path / "trained.npz", tmp_path / "layers.csv"
    report = json_object(capsys, *RUN, "--out", str(file), "--csv", str(table), "--seed", "5")
    assert (report["steps"], report["batch"], report["padded_images"], report["seed"]) == (2, 16, 112, 5)
    assert [each["steps"] for each in report["stretches"]] == [1, 2]
    assert report["accuracy"] == report["stretches"][-1]["accuracy"]
    assert report["host_operators"] == {"max_pool2d": 2, "cross_entropy": 1}
    assert report["machine"] is None, "nothing ran but the oracle"
    assert [layer["kept_forward"] for layer in report["layers"]] == [1, 0.25, 0.25, 1]
    assert report["layers"][0]["clipped_gradients"] is None
    assert report["provenance"]["hardware"]["description"]["name"] == report["hardware"] == "edge-16x16-m8"
    made, *lines = table.read_text().splitlines()
    assert json.loads(made.removeprefix("# ")) == report["provenance"]
    rows = [{key: cell for key, cell in row.items() if cell} for row in csv.DictReader(lines)]
    assert rows == [{key: str(cell) for key, cell in layer.items() if cell is not None} for layer in report["layers"]]
    arrays = np.load(file)
    assert arrays["conv2.weight"].dtype == arrays["conv2.momentum"].dtype == np.int32
    assert arrays["conv2.forward"].dtype == np.int8
    assert np.array_equal(arrays["conv2.forward"] != 0, arrays["conv2.forward_mask"] & (arrays["conv2.forward"] != 0))


def test_it_says_its_seed_and_what_is_padding(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--hw", "edge-16x16", "--forward", "2:4", "--backward", "dense", "--update", "dense"]) == 0
    out, err = capsys.readouterr()
    assert "skipbeat: seed 0\n" in err
    assert "skipbeat: a pass takes 64 images: 48 are padding\n" in err
    assert "step 2: loss " in err
    assert "Left to the host in each step: 2 max_pool2d, 1 cross_entropy" in out
    assert "2 steps of 16 images, 48 of padding" in out


OWN = """
from torch import nn, zeros

def small():
    layers = nn.Conv2d(1, 4, 3, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 10)
    return nn.Sequential(*layers), zeros(1, 1, 8, 8)
"""


def test_a_step_by_programs_of_the_machine(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "small_digits.py").write_text(OWN)
    step = "train", "small_digits:small", "--steps", "1", "--batch", "4", "--hw", "tiny-4x4", "--cycle-model"
    patterns = "--forward", "2:4", "--backward", "2:4"
    machine = json_object(capsys, *step, *patterns)["machine"]
    assert (machine["agrees"], machine["sums_exact"], machine["training_exact"]) == (True, True, True)
    assert machine["rtl_cycles"] is None
    assert (
        machine["model_cycles"]
        == machine["timing_cycles"]
        == sum(each["timing_cycles"] for each in machine["products"])
    )
    products = [(each["layer"], each["product"]) for each in machine["products"]]
    assert products == [("0", "forward"), ("3", "forward"), ("3", "backward"), ("0", "update"), ("3", "update")]
    assert machine["host_bytes"]["turn"] == 2 * 4 * (64 + 16 + 16 + 10)
    assert main([*step, *patterns]) == 0
    out = capsys.readouterr().out
    assert "Left to the host by the modules' definitions, in bytes of each step: " in out
    assert "Every sum, weight, momentum, mask and clock agrees." in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--forward", "9:8"), "pattern 9:8: N must be in 1..8, not 9"),
        (("--forward", "2:4"), "forward 2:4: the hardware's groups have 8; expected N:8"),
        (("--update", "2:4"), "update 2:4: expected dense or 1:Q"),
        (("--update", "1:16"), "update 1:16: expected 1:q with q of up to 8"),
        (("--batch", "1"), "1 is not in the range 2<=x<=1347"),
        (("--hw", "no-such"), "no such preset"),
        (("--out", "."), "cannot be written: Is a directory"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str) -> None:
    assert message in complaint(capsys, *RUN, *options)


def test_networks_that_cannot_be_trained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_digits.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef layers(*last):\n"
        "    return nn.Sequential(nn.Conv2d(1, 8, 3), *last), torch.zeros(1, 1, 8, 8)\n\n\n"
        "def softmax():\n    return layers(nn.Softmax(1), nn.Flatten(), nn.Linear(288, 10))\n\n\n"
        "def few():\n    return layers(nn.ReLU(), nn.Flatten(), nn.Linear(288, 7))\n\n\n"
        "def large():\n    return layers(nn.Flatten(), nn.Linear(7200, 10))\n"
    )
    assert "Softmax has no backward pass here; expected Conv2d" in complaint(capsys, "train", "own_digits:softmax")
    assert "expected 10 outputs, one for each digit, not 7" in complaint(capsys, "train", "own_digits:few")
    said = complaint(capsys, "train", "own_digits:large")
    assert said.startswith("model own_digits:large: cannot read images of 1x1x8x8: RuntimeError: ")
    assert "there is no data to train it" in complaint(capsys, "train", "zoo:resnet-18")


def test_the_batch_goes_up_to_all_images() -> None:
    assert len(load_data().train_labels) == TRAIN_IMAGES


@pytest.mark.slow
def test_an_interruption_ends_it_within_a_second() -> None:
    command = [sys.executable, "-m", "skipbeat", "train", "zoo:digits-cnn"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "step 31" not in process.stderr.readline():
            assert process.poll() is None
        begin = monotonic()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait() == 130
        assert monotonic() - begin < 1
    assert "skipbeat: interrupted" in rest
