"""`skipbeat estimate --activations`: files of activations, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.skipbeat.command_line import complaint, json_object


def test_activations_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", conv=np.array([[0, 1, 2, 0]], np.float32))
    (tmp_path / "own_convolution.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef build():\n"
        "    model = nn.Sequential()\n    model.add_module('conv', nn.Conv2d(4, 8, 3))\n"
        "    return model, torch.zeros(1, 4, 6, 6)\n"
    )
    given = ("estimate", "own_convolution:build", "--hw", "tiny-4x4", "--activations")
    report = json_object(capsys, *given, "a.npz")
    (bound,) = report["activations"]
    (layer,) = [layer for layer in report["layers"] if layer["layer"]]
    assert (bound["layer"], bound["density"]) == ("conv", 0.5)
    assert bound["macs"] == [layer["macs"], layer["macs"] // 2]
    assert bound["cycles"][1] <= bound["cycles"][0] == layer["cycles"]
    np.savez("other.npz", conv2=np.ones(3))
    np.savez("empty.npz", conv=np.ones(0))
    (tmp_path / "text.npz").write_text("no archive")
    np.savez("objects.npz", conv=np.array([{}], dtype=object))
    for name, said in (
        ("other.npz", "activations conv2: expected the name of a layer, such as conv"),
        ("empty.npz", "expected an array with the activations of each layer"),
        ("text.npz", "cannot be read as .npz"),
        ("objects.npz", "cannot be read as .npz"),
        ("absent.npz", "cannot be read"),
    ):
        assert said in complaint(capsys, *given, name)
