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
from skipbeat_models.sources.files import open_checkpoint


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
    save_file({"a": torch.ones(2)}, tmp_path / "1.safetensors")
    save_file({"b": torch.ones(2)}, tmp_path / "2.safetensors")
    assert set(open_checkpoint(tmp_path)) == {"a", "b"}
    save_file({"b": torch.ones(2)}, tmp_path / "3.safetensors")
    with pytest.raises(InputError, match="tensor b is in two files"):
        open_checkpoint(tmp_path)


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


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file that ends in"):
        open_checkpoint(tmp_path / "w.h5")
    for name in ("w.safetensors", "w.pt"):
        with pytest.raises(InputError, match="cannot be read"):
            open_checkpoint(tmp_path / name)
    torch.save([torch.ones(2)], tmp_path / "w.pt")
    with pytest.raises(InputError, match="expected a state dict"):
        open_checkpoint(tmp_path / "w.pt")
