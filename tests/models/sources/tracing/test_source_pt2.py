"""Exported files: they say the same as the module, and nothing in them is executed."""

from __future__ import annotations

import io
import json
import pickle
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import ModelDescription
from skipbeat_models.sources import from_module, load_source

Archive = dict[str, bytes]


class Network(nn.Module):
    """A bit of everything: masks, a recurrent layer, several results, a part under a switch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 8, 3, padding="same"), nn.BatchNorm2d(8)
        self.up, self.lstm = nn.ConvTranspose2d(8, 4, 3, 2), nn.LSTM(4, 8, batch_first=True)
        self.head, self.words = nn.Linear(8, 8), nn.Embedding(5, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.up(torch.relu(self.norm(self.conv(x))))
        y, _ = self.lstm(y.flatten(2).transpose(1, 2))
        with torch.autocast("cpu", enabled=False):
            y = self.head(y) @ self.words.weight.T
        first, second = y.chunk(2, 1)
        return torch.einsum("bij,bkj->bik", first, second)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    model = Network().eval()
    pruning: Any = prune  # it has no types
    pruning.l1_unstructured(model.head, "weight", 0.5)
    return model


@pytest.fixture(scope="module")
def exported(network: nn.Module) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on the pruning hook, which assigns the masked weight
        torch.export.save(torch.export.export(network, (torch.zeros(2, 4, 4, 4),)), file)
    return file.getvalue()


def summary(found: ModelDescription) -> list[object]:
    layers = [
        (layer.name, layer.kind, layer.shape, layer.pattern, layer.density, layer.stored) for layer in found.layers
    ]
    parts = [(part.workload, part.repeats, part.weight.key) for layer in found.layers for part in layer.parts]
    return [layers, parts, found.host_operators, found.notes]


def changed(data: bytes, change: Callable[[Archive], None], path: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    """The file with members changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def member(members: Archive, ending: str) -> str:
    return next(name for name in members if name.endswith(ending))


def edit(members: Archive, ending: str, change: Callable[[Any], None]) -> None:
    name = member(members, ending)
    content = json.loads(members[name])
    change(content)
    members[name] = json.dumps(content).encode()


def test_a_file_says_what_its_module_says(network: nn.Module, exported: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(exported)
    found = load_source(str(path))
    assert summary(found) == summary(from_module(network, (torch.zeros(2, 4, 4, 4),), name="model"))
    head = next(layer for layer in found.layers if layer.name == "head")
    expected = (network.get_buffer("head.weight_mask") != 0).numpy().T
    np.testing.assert_array_equal(head.parts[0].weight.nonzero(), expected)


def test_open_sizes_are_those_of_the_example(tmp_path: Path) -> None:
    path = tmp_path / "open.pt2"
    program = torch.export.export(
        nn.Linear(4, 2), (torch.zeros(3, 4),), dynamic_shapes=({0: torch.export.Dim("rows")},)
    )
    torch.export.save(program, path)
    found = load_source(str(path))
    assert found.layers[0].macs_dense == 24
    assert "example inputs" in found.notes[0]


class Mapped(nn.Module):
    """A product for each of 8 samples."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = torch.vmap(torch.matmul)(x, y)
        return found


@pytest.mark.parametrize("decomposed", [False, True])
def test_what_is_mapped_is_named_before_it_is_decomposed(decomposed: bool, tmp_path: Path) -> None:
    program = torch.export.export(Mapped(), (torch.zeros(8, 4, 16), torch.zeros(8, 16, 5)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on what torch itself calls
        torch.export.save(program.run_decompositions() if decomposed else program, tmp_path / "mapped.pt2")
    found = load_source(str(tmp_path / "mapped.pt2"))
    assert sum(layer.macs_dense for layer in found.layers) == (8 * 4 * 16 * 5 if decomposed else 0)
    assert [each.operator for each in found.unpriced] == ([] if decomposed else ["aten.matmul"])


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


def pickled_weight(members: Archive, mark: Path) -> None:
    def change(config: Any) -> None:
        config["config"]["conv.weight"]["use_pickle"] = True

    edit(members, "weights_config.json", change)
    members[member(members, "weights/weight_0")] = pickle.dumps(Bomb(mark))


def custom_object(members: Archive, mark: Path) -> None:
    def change(config: Any) -> None:
        config["config"]["bomb"] = {
            "path_name": "custom_obj_0",
            "is_param": False,
            "use_pickle": True,
            "tensor_meta": None,
        }

    edit(members, "constants_config.json", change)
    members["model/data/constants/custom_obj_0"] = pickle.dumps(Bomb(mark))


def formula(members: Archive, mark: Path) -> None:
    def change(model: Any) -> None:
        sizes = model["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
        sizes[0] = {"as_expr": {"expr_str": f"exec('open({str(mark)!r}, \"w\").close()')", "hint": None}}

    edit(members, "models/model.json", change)


def example_inputs(members: Archive, mark: Path) -> None:
    members[member(members, "sample_inputs/model.pt")] = pickle.dumps(Bomb(mark))


def operator_name(members: Archive, mark: Path) -> None:
    def change(model: Any) -> None:
        for node in model["graph_module"]["graph"]["nodes"]:
            if node["target"].startswith("torch.ops.aten.chunk"):
                node["target"] = "os.system"
                node["inputs"] = [{"name": "command", "arg": {"as_string": f"touch {mark}"}, "kind": 1}]

    edit(members, "models/model.json", change)


@pytest.mark.parametrize("attack", [pickled_weight, custom_object, formula, example_inputs, operator_name])
def test_nothing_is_executed(attack: Callable[[Archive, Path], None], exported: bytes, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    path = changed(exported, lambda members: attack(members, mark), tmp_path / "hostile.pt2")
    refused = attack not in (example_inputs, operator_name)
    if refused:
        with pytest.raises(InputError, match=r"stored as a pickle|depends on data") as caught:
            load_source(str(path))
        assert "\n" not in str(caught.value)
    else:  # what it would execute is not even looked at
        assert load_source(str(path)).layers
    assert not mark.exists()


def test_the_attacks_work_on_who_unpickles(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()


def _without_weight(members: Archive) -> None:
    del members[member(members, "weights/weight_0")]


def _short_weight(members: Archive) -> None:
    members[member(members, "weights/weight_0")] = b"\0" * 8


def _foreign_strides(members: Archive) -> None:
    edit(
        members,
        "weights_config.json",
        lambda config: config["config"]["conv.weight"]["tensor_meta"]["strides"][0].update(as_int=1 << 40),
    )


def _no_graph(members: Archive) -> None:
    edit(members, "models/model.json", lambda model: model.pop("graph_module"))


def _not_json(members: Archive) -> None:
    members[member(members, "models/model.json")] = b"{"


def _deep(members: Archive) -> None:
    members[member(members, "models/model.json")] = b"[" * 200_000


@pytest.mark.parametrize("damage", [_without_weight, _short_weight, _foreign_strides, _no_graph, _not_json, _deep])
def test_damaged_files_are_one_line(damage: Callable[[Archive], None], exported: bytes, tmp_path: Path) -> None:
    path = changed(exported, damage, tmp_path / "damaged.pt2")
    with pytest.raises(InputError, match=r"damaged\.pt2") as caught:
        load_source(str(path))
    assert "\n" not in str(caught.value)


def test_files_that_are_none(exported: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    with pytest.raises(InputError, match="cannot be read"):
        load_source(str(path))
    for data in (b"", b"PK", exported[: len(exported) // 2]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="cannot be read"):
            load_source(str(path))
    changed(exported, lambda members: None, path, zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="not compressed"):
        load_source(str(path))
    changed(exported, lambda members: members.clear(), path)
    with pytest.raises(InputError, match="expected one exported model"):
        load_source(str(path))


@pytest.mark.parametrize("seed", range(60))
def test_mutated_graphs_are_priced_or_refused(seed: int, exported: bytes, tmp_path: Path) -> None:
    """A random change anywhere in the JSON ends in a description or in one line, never in another exception."""
    drawn = random.Random(seed)
    poison: tuple[object, ...] = (
        None,
        -1,
        0,
        1 << 70,
        "x",
        [],
        {},
        True,
        2.5,
        {"as_int": -3},
        {"as_tensor": {"name": "x"}},
    )

    def change(item: Any) -> None:
        while True:
            key = drawn.choice(list(item) if isinstance(item, dict) else range(len(item)))
            if isinstance(item[key], dict | list) and item[key] and drawn.random() < 0.9:
                item = item[key]
                continue
            item[key] = drawn.choice(poison)
            return

    ending = drawn.choice(["models/model.json", "models/model.json", "weights_config.json"])
    path = changed(exported, lambda members: edit(members, ending, change), tmp_path / "mutated.pt2")
    message = ""
    try:
        load_source(str(path))  # a description is as good as an error
    except InputError as error:
        message = str(error)
    assert "\n" not in message
