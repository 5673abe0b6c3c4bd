"""Sources by name: which is read how, and what does not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from skipbeat_arch.errors import InputError
from skipbeat_models import zoo
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import load_source


def test_zoo() -> None:
    found = load_source("zoo:digits-cnn", batch=3)
    assert found.name == "zoo:digits-cnn"
    assert sum(layer.macs_dense for layer in found.layers) == 3 * zoo.find("zoo:digits-cnn").macs


def test_a_checkpoint_for_a_zoo_model(tmp_path: Path) -> None:
    state = zoo.find("zoo:digits-cnn").source(0)[0].state_dict()
    state = {name: tensor.clone() for name, tensor in state.items()}
    weight = next(name for name, tensor in state.items() if tensor.dim() == 2)
    state[weight][:, ::2] = 0
    torch.save(state, tmp_path / "w.pt")
    save_file(state, tmp_path / "w.safetensors")
    torch.save({name: tensor.half() for name, tensor in state.items()}, tmp_path / "half.pt")
    for name in ("w.pt", "w.safetensors", "half.pt"):
        found = load_source("zoo:digits-cnn", checkpoint=tmp_path / name)
        assert [str(layer.pattern) for layer in found.layers][-1] == "2:4"
    del state[weight]
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(InputError, match=f"missing: {weight}"):
        load_source("zoo:digits-cnn", checkpoint=tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        ("resnet", {}, "expected zoo:NAME, module:function, or a file"),
        ("my model:f", {}, "expected zoo:NAME"),
        ("a/b.py:f", {}, "expected zoo:NAME"),
        ("zoo:absent", {}, "no such model"),
        ("weights.pt", {}, "a state dict has no layers"),
        ("mine:f", {"tokens": 3}, "a number of tokens belongs to"),
        ("model.pt2", {"batch": 3}, "its batch is fixed"),
        ("model.pt2", {"checkpoint": Path("w.pt")}, "has weights of its own"),
        ("model.safetensors", {"tokens": 3, "checkpoint": Path("w.pt")}, "has weights of its own"),
        ("model.safetensors", {"tokens": 3}, "cannot be read"),
        ("model.pt2", {"scheme": Scheme(Scheme.parse("2:4").default, method="constant-fan-in")}, "needs the module"),
    ],
)
def test_what_does_not_go_together(source: str, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        load_source(source, **options)
    assert "\n" not in str(caught.value)
