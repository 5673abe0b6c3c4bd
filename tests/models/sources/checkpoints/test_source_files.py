"""Checkpoint files: read without executing anything, tensor by tensor."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_models.sources.checkpoints.files import open_checkpoint


def test_formats_hold_the_same(tmp_path: Path) -> None:
    state = {"weight": torch.randn(3, 4), "bias": torch.randn(3).to(torch.bfloat16)}
    save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "a.pt")
    torch.save({"state_dict": nn.Linear(4, 3).state_dict(), "epoch": 3}, tmp_path / "b.pth")
    torch.save(state, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    for name in ("a.safetensors", "a.pt", "old.bin"):
        found = open_checkpoint(tmp_path / name)
        assert {key: tensor.shape for key, tensor in found.items()} == {"weight": (3, 4), "bias": (3,)}
        assert all(torch.equal(found[key].read(), state[key]) for key in state)
    assert set(open_checkpoint(tmp_path / "b.pth")) == {"weight", "bias"}


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected \.safetensors files"):
        open_checkpoint(tmp_path)
    (tmp_path / "adapter_model.safetensors").touch()
    with pytest.raises(InputError, match=r"an adapter .* without its model"):
        open_checkpoint(tmp_path)
    (tmp_path / "adapter_model.safetensors").unlink()
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(InputError, match="give one of its folders"):
        open_checkpoint(tmp_path)
    save_file({"a": torch.ones(2)}, tmp_path / "1.safetensors")
    save_file({"b": torch.ones(2)}, tmp_path / "2.safetensors")
    assert set(open_checkpoint(tmp_path)) == {"a", "b"}
    save_file({"b": torch.ones(2)}, tmp_path / "3.safetensors")
    with pytest.raises(InputError, match="tensor b is in two files"):
        open_checkpoint(tmp_path)


def _index(folder: Path, places: object, name: str = "model.safetensors") -> Path:
    path = folder / f"{name}.index.json"
    path.write_text(json.dumps({"weight_map": places}))
    return path


def test_an_index_decides_what_belongs_to_the_model(tmp_path: Path) -> None:
    for number in (1, 2):
        save_file({f"w{number}": torch.ones(number)}, tmp_path / f"model-0000{number}-of-00002.safetensors")
    assert set(open_checkpoint(tmp_path)) == {"w1", "w2"}
    save_file({"wq": torch.ones(3)}, tmp_path / "consolidated.safetensors")
    save_file({"old": torch.ones(3), "w1": torch.ones(9)}, tmp_path / "model-00001-of-00003.safetensors")
    places = {f"w{number}": f"model-0000{number}-of-00002.safetensors" for number in (1, 2)}
    index = _index(tmp_path, places)
    for path in (tmp_path, index):
        assert {name: tensor.shape for name, tensor in open_checkpoint(path).items()} == {"w1": (1,), "w2": (2,)}
    _index(tmp_path, {**places, "w3": "model-00001-of-00002.safetensors"})
    with pytest.raises(InputError, match="lacks 1 tensors of its index: w3"):
        open_checkpoint(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(InputError, match=r"1 of 2 files are missing: model-00002-of-00002\.safetensors"):
        open_checkpoint(tmp_path)
    index.unlink()
    with pytest.raises(InputError, match="1 of 2 files are missing: model-00002-of-00002"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize("places", [{}, [1], {"w": 1}, {"w": "../w.safetensors"}, {"w": ""}, {"w": "/w.safetensors"}])
def test_wrong_indexes(places: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"index .*: expected"):
        open_checkpoint(_index(tmp_path, places))


def test_a_model_is_not_counted_twice(tmp_path: Path) -> None:
    save_file({"w": torch.ones(2)}, tmp_path / "model.safetensors")
    save_file({"wq": torch.ones(2)}, tmp_path / "consolidated.safetensors")
    torch.save({"w": torch.ones(2)}, tmp_path / "pytorch_model.bin")
    assert set(open_checkpoint(tmp_path)) == {"w"}
    (tmp_path / "model.safetensors").unlink()
    assert set(open_checkpoint(tmp_path)) == {"w"}
    (tmp_path / "pytorch_model.bin").rename(tmp_path / "pytorch_model-00001-of-00001.bin")
    _index(tmp_path, {"w": "pytorch_model-00001-of-00001.bin"}, "pytorch_model.bin")
    assert set(open_checkpoint(tmp_path)) == {"w"}
    (tmp_path / "pytorch_model.bin.index.json").unlink()
    assert set(open_checkpoint(tmp_path)) == {"wq"}


def test_what_training_scripts_save(tmp_path: Path) -> None:
    state = nn.Linear(4, 3).state_dict()
    habits: dict[str, object] = {
        "a.ckpt": {"state_dict": state, "epoch": 3, "callbacks": {"best": 1.0}},
        "b.pt": {"model_state_dict": state, "optimizer_state_dict": {"state": {}, "param_groups": []}},
        "c.pth": {"model": {"state_dict": state, "name": "linear"}, "args": None},
        "d.bin": {**state, "epoch": 3, "arch": "linear"},
    }
    for name, saved in habits.items():
        torch.save(saved, tmp_path / name)
        assert set(open_checkpoint(tmp_path / name)) == {"weight", "bias"}
    for wrong in ({"generator": state, "discriminator": state}, {}, {"epoch": 3}):
        torch.save(wrong, tmp_path / "e.pt")
        with pytest.raises(InputError, match=r"expected a state dict") as caught:
            open_checkpoint(tmp_path / "e.pt")
        assert ("generator, discriminator" in str(caught.value)) == ("generator" in wrong)


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


def test_pickled_code_is_not_executed(tmp_path: Path) -> None:
    mark, path = tmp_path / "executed", tmp_path / "model.pt"
    for protocol in (2, 4):
        path.write_bytes(pickle.dumps({"weight": Bomb(mark)}, protocol=protocol))
        with pytest.raises(InputError, match=r"model\.pt"):
            open_checkpoint(path)
    torch.save({"weight": torch.ones(1), "extra": Bomb(mark)}, path)
    with pytest.raises(InputError, match="reading it could run code"):
        open_checkpoint(path)
    torch.save(nn.Linear(2, 2), path)
    with pytest.raises(InputError, match="reading it could run code"):
        open_checkpoint(path)
    assert not mark.exists()


def _header(content: object, data: bytes = b"") -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data


WRONG = {
    "empty": b"",
    "short": b"\x08\0\0\0",
    "endless header": struct.pack("<Q", 1 << 60) + b"{}",
    "no JSON": struct.pack("<Q", 4) + b"nope",
    "beyond the end": _header({"w": {"dtype": "F32", "shape": [1024], "data_offsets": [0, 4096]}}),
    "another size": _header({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 8]}}, b"\0" * 8),
    "unknown type": _header({"w": {"dtype": "EVIL", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 8),
    "huge": _header({"w": {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 8]}}, b"\0" * 8),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_damaged_files_are_one_line(case: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(WRONG[case])
    with pytest.raises(InputError, match=r"cannot be read|could run code") as caught:
        open_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_cut_files(tmp_path: Path) -> None:
    save_file({"w": torch.ones(100)}, tmp_path / "w.safetensors")
    torch.save({"w": torch.ones(100)}, tmp_path / "w.pt")
    for name in ("w.safetensors", "w.pt"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-120])
        with pytest.raises(InputError, match="cannot be read"):
            open_checkpoint(path)


@pytest.mark.parametrize("zipped", [True, False], ids=["ZIP", "old"])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9])
def test_files_of_torch_save_that_are_cut_short_are_called_so(share: float, zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"w": torch.ones(10)}, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"w\.pt: cannot be read: it is cut short, or damaged; expected all that"):
        open_checkpoint(path)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file that ends in"):
        open_checkpoint(tmp_path / "w.h5")
    for name in ("w.safetensors", "w.pt"):
        with pytest.raises(InputError, match="cannot be read"):
            open_checkpoint(tmp_path / name)
    torch.save([torch.ones(2)], tmp_path / "w.pt")
    with pytest.raises(InputError, match="expected a state dict"):
        open_checkpoint(tmp_path / "w.pt")
