"""ONNX files: the networks that the onnx package brings along, small ones that are made here, and broken ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_models.sources import load_source

onnx: Any = pytest.importorskip("onnx")

#: Multiply-accumulates of convolutions and linear layers, from the papers' tables or torchvision's.
LIGHT = {"resnet50": (54, 4_089_184_256), "squeezenet": (26, 349_151_936), "shufflenet": (50, 124_664_528)}


@pytest.mark.parametrize("name", LIGHT)
def test_published_networks(name: str) -> None:
    path = Path(onnx.__file__).parent / f"backend/test/data/light/light_{name}.onnx"
    found = load_source(str(path))
    assert (len(found.layers), sum(layer.macs_dense for layer in found.layers)) == LIGHT[name]
    if name == "shufflenet":
        assert {layer.kind for layer in found.layers} == {
            LayerKind.CONVOLUTION,
            LayerKind.GROUPED,
            LayerKind.DEPTHWISE,
            LayerKind.LINEAR,
        }
    if name == "resnet50":
        fused = {host.operator for host in found.host_operators if host.fused}
        assert fused == {"aten.batch_norm", "aten.relu", "aten.add", "aten.max_pool2d", "aten.avg_pool2d"}
        assert [len(run.layers) for run in found.runs] == [len(found.layers) + 2]  # two poolings


def save(
    path: Path,
    nodes: list[Any],
    inputs: dict[str, list[Any]],
    outputs: dict[str, list[Any]],
    weights: dict[str, np.ndarray[Any, Any]],
) -> str:
    def values(named: dict[str, list[Any]]) -> list[Any]:
        return [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in named.items()
        ]

    stored = [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    graph = onnx.helper.make_graph(nodes, "graph", values(inputs), values(outputs), stored)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)
    return str(path)


def test_convolutions_and_products(tmp_path: Path) -> None:
    make = onnx.helper.make_node
    weight = np.ones((8, 4, 3, 3))
    weight[:, 1::2] = 0
    nodes = [
        make("Conv", ["x", "w"], ["a"], name="/stem/conv/Conv", strides=[2, 2], auto_pad="SAME_UPPER"),
        make("Relu", ["a"], ["b"], name="/stem/Relu"),
        make("ConvTranspose", ["b", "up"], ["c"], name="/up/ConvTranspose", strides=[2, 2], pads=[1, 1, 1, 1]),
        make("Conv", ["c", "one"], ["d"], pads=[0, 0, 1, 1], kernel_shape=[2, 2], name="last"),
        make("Softmax", ["d"], ["e"], axis=1),
        make("Transpose", ["e"], ["f"], perm=[0, 1, 3, 2]),
        make("MatMul", ["f", "m"], ["y"]),
    ]
    arrays = {"w": weight, "up": np.ones((8, 2, 4, 4)), "one": np.ones((4, 2, 2, 2)), "m": np.ones((8, 3))}
    found = load_source(save(tmp_path / "m.onnx", nodes, {"x": ["n", 4, 8, 8]}, {"y": ["n", 4, 8, 3]}, arrays))
    layers = {layer.name: layer for layer in found.layers}
    assert [str(name) for name in layers][:3] == ["stem.conv", "up", "last"]
    assert layers["stem.conv"].macs_dense == 4 * 4 * 8 * 36
    assert str(layers["stem.conv"].pattern) == "2:4"
    assert layers["up"].macs_dense == 4 * 4 * 8 * 2 * 16
    assert layers["last"].macs_dense == 8 * 8 * 4 * 8
    assert found.layers[3].macs_dense == 4 * 8 * 8 * 3
    assert [(host.operator, host.fused) for host in found.host_operators] == [
        ("aten.relu", True),
        ("onnx.Softmax", False),
    ]
    assert "sizes that the file leaves open (n) count as 1" in found.notes


def test_sums_of_three_tensors_are_products_of_two(tmp_path: Path) -> None:
    low = onnx.helper.make_node("Einsum", ["x", "a", "b"], ["y"], equation="bi, ij, jk -> bk")
    both = onnx.helper.make_node("Einsum", ["y", "c", "z"], ["w"], equation="bk,kjo,bj->bo")
    given = {"x": [8, 64], "z": [8, 4]}
    weights = {"a": np.ones((64, 16)), "b": np.ones((16, 8)), "c": np.ones((8, 4, 2))}
    found = load_source(save(tmp_path / "m.onnx", [low, both], given, {"w": [8, 2]}, weights))
    assert [layer.macs_dense for layer in found.layers] == [8 * 64 * 16, 8 * 16 * 8, 8 * 8 * 4 * 2, 8 * 4 * 2]
    assert [layer.stored for layer in found.layers] == [True, True, True, False]
    assert not found.unpriced


def test_control_flow(tmp_path: Path) -> None:
    make, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    branch = onnx.helper.make_graph(
        [make("Relu", ["x"], ["z"])], "branch", [], [info("z", onnx.TensorProto.FLOAT, [2])]
    )
    nodes = [
        make("Cast", ["c"], ["flag"], to=onnx.TensorProto.BOOL),
        make("If", ["flag"], ["y"], then_branch=branch, else_branch=branch),
    ]
    path = save(tmp_path / "m.onnx", nodes, {"x": [2], "c": [1]}, {"y": [2]}, {})
    with pytest.raises(InputError, match=r"operator If .*control flow"):
        load_source(path)


def test_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_source(str(path))
    for data in (b"", b"\x08", b"not of ONNX at all", bytes(range(256)) * 8):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"cannot be read as \.onnx") as caught:
            load_source(str(path))
        assert "\n" not in str(caught.value)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"onnx: not installed, .*\(pip install 'skipbeat\[onnx\]'\)"):
        load_source("m.onnx")


@pytest.mark.parametrize("linked", [False, True], ids=["path", "link"])
def test_external_data_stays_in_the_files_folder(linked: bool, tmp_path: Path) -> None:
    """Neither a path nor a link leads out of it."""
    (tmp_path / "secret").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    folder = tmp_path / "model"
    folder.mkdir()
    if linked:
        (folder / "w").symlink_to(tmp_path / "secret")
    weight = onnx.TensorProto(name="w", data_type=1, dims=[4, 1], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in (("location", "w" if linked else "../secret"), ("offset", "0"), ("length", "16")):
        weight.external_data.add(key=key, value=value)
    given, found = (onnx.helper.make_tensor_value_info(name, 1, [1, size]) for name, size in (("x", 4), ("y", 1)))
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [given], [found], [weight]
    )
    (folder / "m.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(InputError, match=r"m\.onnx"):
        load_source(str(folder / "m.onnx"))
