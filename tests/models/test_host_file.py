"""The host's part as a file: what is written is read again, and nothing that could run code is."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import fx, nn

from skipbeat_arch.errors import InputError
from skipbeat_models.calibration import exact_inputs
from skipbeat_models.host_file import pack_host, unpack_host
from skipbeat_models.sources.tracing.exported import export_program

Members = dict[str, bytes]


class Block(nn.Module):
    """A weight, a constant, and operators of several kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.shift = nn.Buffer(torch.arange(4.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = (self.layer(x) + self.shift * torch.tensor([2.0])).softmax(-1).chunk(2, dim=-1)
        return torch.cat([second, first], dim=-1)


@pytest.fixture(scope="module")
def content() -> bytes:
    torch.manual_seed(0)
    return pack_host(export_program(Block(), (torch.zeros(3, 4),), {}))


def changed(content: bytes, change: Callable[[Members], None], compression: int = zipfile.ZIP_STORED) -> bytes:
    """The file with its members, by their names below the archive's folder, changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        folder = archive.namelist()[0].partition("/")[0]
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(members)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(f"{folder}/{name}", data)
    return found.getvalue()


def in_json(name: str, change: Callable[[Any], None]) -> Callable[[Members], None]:
    def apply(members: Members) -> None:
        value = json.loads(members[name])
        change(value)
        members[name] = json.dumps(value).encode()

    return apply


def in_graph(change: Callable[[Any], None]) -> Callable[[Members], None]:
    return in_json("models/model.json", lambda value: change(value["graph_module"]))


class Evil:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("evil",)


def pickled() -> bytes:
    found = io.BytesIO()
    torch.save((Evil(),), found)
    return found.getvalue()


def test_no_folder_of_the_machine_is_written(content: bytes) -> None:
    assert str(Path(__file__).parents[2]).encode() not in content
    assert str(Path(torch.__file__).parent).encode() not in content


def test_what_is_written_is_read_again(content: bytes) -> None:
    x = torch.randn(3, 4)
    torch.manual_seed(0)
    expected = Block().double()(x.double())
    for written in (content, changed(content, lambda members: None)):
        program = unpack_host(written, "m")
        (result,) = fx.Interpreter(program.graph_module).run(*exact_inputs(program, (x,)))
        torch.testing.assert_close(result, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            in_graph(lambda g: g["graph"]["nodes"][0].update(target="torch.serialization.os.mkdir")),
            "calls torch.serial",
        ),
        (in_graph(lambda g: g["graph"]["nodes"][0].update(target="torch.ops.aten.x.y.os.system")), "its graph calls"),
        (in_graph(lambda g: g["graph"]["nodes"][0].update(target="#unknown:mkdir")), "its graph calls #unknown"),
        (
            in_graph(lambda g: g["graph"]["nodes"][0]["inputs"].append({"name": "f", "arg": {"as_operator": "mkdir"}})),
            "its graph has as_operator",
        ),
        (
            in_graph(lambda g: g["graph"]["tensor_values"]["x"]["sizes"].append({"as_expr": {"expr_str": "mkdir()"}})),
            "its graph has as_expr",
        ),
        (
            in_graph(lambda g: g["module_call_graph"][0]["signature"].update(in_spec='[1, {"type": "a.B"}]')),
            "containers of a package",
        ),
        (
            in_json("models/model.json", lambda value: value.update(guards_code=["mkdir()"])),
            "its graph has guards_code",
        ),
        (
            in_json(
                "data/weights/model_weights_config.json",
                lambda value: value["config"]["layer.weight"].update(use_pickle=True),
            ),
            "its tensor layer.weight is pickled",
        ),
        (lambda members: members.update({"data/weights/model.pt": pickled()}), "it has a member data/weights/model.pt"),
        (lambda members: members.update({"serialized_state_dict.pt": pickled()}), "a member serialized_state_dict.pt"),
        (lambda members: members.update({"data/sample_inputs/model.pt": pickled()}), "not an exported program"),
        (lambda members: members.pop("models/model.json"), "not an exported program"),
        (lambda members: members.update({"models/model.json": b"{"}), "cannot be read as JSON"),
        (lambda members: members.pop("data/weights/weight_0"), "its tensor layer.weight is pickled or missing"),
    ],
)
def test_what_could_run_code_is_refused(
    content: bytes,
    change: Callable[[Members], None],
    said: str,
    tmp_path: os.PathLike[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        unpack_host(changed(content, change), "network m.zip: host.pt2")
    assert str(caught.value).startswith("network m.zip: host.pt2: ")
    assert os.listdir() == []


def test_a_compressed_file_is_not_unpacked(content: bytes) -> None:
    bomb = changed(
        content, lambda members: members.update({"data/weights/weight_0": bytes(1 << 20)}), zipfile.ZIP_DEFLATED
    )
    with pytest.raises(InputError, match=r"^m: compressed, which PyTorch's own files are not"):
        unpack_host(bomb, "m")


def test_what_is_no_archive() -> None:
    for data in (b"", b"x" * 100):
        with pytest.raises(InputError, match=r"^m: not an exported program: "):
            unpack_host(data, "m")
