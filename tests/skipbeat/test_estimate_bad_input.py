"""What `skipbeat estimate` says to models, files and hardware that are wrong: one line, status 2."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipbeat.cli import main
from tests.skipbeat.command_line import complaint, json_object

MODELS = """
import torch
from torch import nn
from torch.nn.utils import prune


class Branch(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def small():
    return nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU()), (torch.zeros(1, 4, 8, 8),)


class Selected(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return self.fc(x[x[:, 0] > 0])


class Convolved(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.weight = nn.Linear(4, 4), nn.Parameter(torch.zeros(2, 3, 4))

    def forward(self, x):
        return torch.addbmm(torch.zeros(4, 4), x.view(2, 3, 4).mT, self.weight), self.fc(x)


def selected():
    return Selected(), (torch.zeros(6, 4),)


def unpriced():
    return Convolved(), (torch.zeros(6, 4),)


def no_product():
    return nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), (torch.zeros(1, 4, 8, 8),)


def branch():
    return Branch(), (torch.zeros(2, 2),)


def with_value(value):
    model, inputs = small()
    model[0].weight.data[0, 0, 0, 0] = value
    return model, inputs


def nan():
    return with_value(float("nan"))


def infinite():
    return with_value(float("inf"))


def zero_size():
    return small()[0], (torch.zeros(0, 4, 8, 8),)


def no_examples():
    return nn.Linear(8, 8), (torch.zeros(0, 8),)


def enormous():
    with torch.device("meta"):
        return nn.Linear(70000, 70000), (torch.zeros(1, 70000),)


def wide():
    return nn.Conv2d(512, 8, 3, padding=1), (torch.zeros(1, 512, 64, 64),)


def wrong_shape():
    return nn.Linear(8, 8), (torch.zeros(1, 9),)


def fails():
    raise RuntimeError("no such data set")


def nothing():
    return None
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty but for the user's module `wrong_models`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "wrong_models", raising=False)
    (tmp_path / "wrong_models.py").write_text(MODELS)
    return tmp_path


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("branch", ("does not export", "way round")),
        ("selected", ("a size of its tensors", "depends on the data")),
        ("no_product", ("nothing in it multiplies",)),
        ("nan", ("layer 0", "NaN or infinite")),
        ("infinite", ("layer 0", "NaN or infinite")),
        ("zero_size", ("has no elements",)),
        ("no_examples", ("has no elements",)),
        ("wrong_shape", ("does not export",)),
        ("fails", ("fails() failed", "no such data set")),
        ("nothing", ("expected it to return (model, example_inputs)",)),
        ("missing", ("has no function 'missing'",)),
    ],
)
def test_models(folder: Path, capsys: pytest.CaptureFixture[str], function: str, words: tuple[str, ...]) -> None:
    said = complaint(capsys, "estimate", f"wrong_models:{function}", "--json")
    assert all(word in said for word in words), said


def test_what_is_not_priced_is_said_and_changes_the_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = json_object(capsys, "estimate", "wrong_models:unpriced", status=3)
    assert [(each["operator"], each["parameters"]) for each in report["unpriced"]] == [("aten.addbmm", 24)]
    assert [layer["name"] for layer in report["layers"]] == ["fc"]
    assert main(["estimate", "wrong_models:unpriced", "--allow-unpriced"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("NOT PRICED: 1 operator that multiplies, or may, is in")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("wrong_models:enormous",), ("layer linear", "32-bit addresses")),
        (
            ("wrong_models:wide", "--hw", "tiny-4x4", "--set", "activations.buffer_kib=1"),
            ("node conv2d", "activations.buffer_kib"),
        ),
        (("zoo:digits-cnn", "--explain", "conv9"), ("layer conv9", "such as conv")),
        (("zoo:digits-cnn", "--prune", "own.yaml"), ("no layer is called 'conv9'",)),
    ],
)
def test_what_is_found_while_pricing(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (folder / "own.yaml").write_text('layers: {conv9: "2:4"}\n')
    assert main(["estimate", *options]) == 2
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if not line.startswith(("skipbeat: pricing ", "skipbeat: training "))]
    assert out == ""
    assert len(errors) == 1
    assert errors[0].startswith("skipbeat: error: ")
    assert all(word in errors[0] for word in words), errors[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("x.pt2",), "model x.pt2: cannot be read: No such file or directory"),
        (("broken.pt2",), "model broken.pt2: cannot be read as a .pt2 file"),
        (("broken.safetensors", "--tokens", "4"), "checkpoint broken.safetensors: cannot be read"),
        (("good.safetensors",), "expected a number of tokens"),
        (("broken.onnx",), "model broken.onnx: "),
        (("good.pth",), "a state dict has no layers"),
        (("model.caffe",), "expected zoo:NAME, module:function, or a file"),
        (("nowhere:build",), "module 'nowhere' cannot be imported"),
        (("zoo:digits-cnn", "--tokens", "4"), "expected no number of tokens"),
        (("wrong_models:small", "--tokens", "4"), "a number of tokens belongs to"),
        (("broken.pt2", "--batch", "2"), "its batch is fixed in the file"),
        (("zoo:digits-cnn", "--checkpoint", "good.safetensors"), "missing: conv1.weight"),
        (("wrong_models:small", "--checkpoint", "hostile.pth"), "checkpoint hostile.pth"),
        (("wrong_models:small", "--checkpoint", "none.safetensors"), "none.safetensors"),
        (("zoo:digits-cnn", "--table", "nobody-3nm"), "energy table nobody-3nm: no such table"),
        (("zoo:digits-cnn", "--prune", "none.yaml"), "scheme none.yaml: cannot be read"),
        (("zoo:digits-cnn", "--set", "array.rows=3"), "power of two"),
        (("zoo:digits-cnn", "--explain", "conv2", "--json"), "--explain: expected without --json"),
        (("zoo:digits-cnn", "--html", "good.pth/page.html"), "good.pth"),
        (("zoo:digits-cnn", "--trace", "."), "cannot be written: Is a directory"),
        (("zoo:digits-cnn", "--batch", "0"), "'--batch'"),
        (("zoo:digits-cnn", "--tokens", "0"), "'--tokens'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_files_and_options(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    for name in ("broken.pt2", "broken.safetensors", "broken.onnx", "model.caffe"):
        (folder / name).write_bytes(b"\xff" * 64)
    save_file({"0.weight": torch.zeros(8, 4, 3, 3)}, "good.safetensors")
    torch.save({"0.weight": torch.zeros(2)}, "good.pth")
    (folder / "hostile.pth").write_bytes(pickle.dumps(Hostile()))
    assert words in complaint(capsys, "estimate", *arguments)
    assert not (folder / "executed").exists()


class Hostile:
    """Unpickling it writes a file."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("executed", "w")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"0.bias": None}, "missing: 0.bias"),
        ({"head.weight": torch.zeros(1)}, "extra: head.weight"),
        ({"0.weight": torch.zeros(8, 4, 3, 2)}, "0.weight has shape (8, 4, 3, 2); expected (8, 4, 3, 3)"),
        ({"0.weight": None, "0.weight_orig": torch.zeros(8, 4, 3, 3), "0.weight_mask": torch.ones(8, 4)}, "mask"),
    ],
    ids=["missing", "extra", "shape", "mask"],
)
def test_checkpoints_of_another_model(
    folder: Path, capsys: pytest.CaptureFixture[str], change: dict[str, torch.Tensor | None], words: str
) -> None:
    stored = {f"0.{name}": tensor.clone() for name, tensor in nn.Conv2d(4, 8, 3).state_dict().items()} | change
    save_file({name: tensor for name, tensor in stored.items() if tensor is not None}, "own.safetensors")
    said = complaint(capsys, "estimate", "wrong_models:small", "--checkpoint", "own.safetensors")
    assert words in said


def test_a_pattern_that_the_weights_break_is_counted_and_priced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weight = torch.ones(8, 64)
    weight[:, 2::4] = weight[:, 3::4] = 0
    weight[:3, 2] = 1
    save_file({"fc.weight": weight}, "own.safetensors")
    report = json_object(capsys, "estimate", "own.safetensors", "--tokens", "4", "--stated", "2:4")
    assert report["layers"][0]["macs"] == 4 * (8 * 32 + 3)
    assert any("3 of 128 groups break the stated 2:4" in sentence for sentence in report["assumptions"])
