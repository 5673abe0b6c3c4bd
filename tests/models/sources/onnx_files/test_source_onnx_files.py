"""What an ONNX file leaves open, computes, or gets wrong; and where its weights lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_models.sources import load_source
from tests.models.sources.onnx_models import FLOAT, MATMUL, W, helper, load, model, node, onnx


def test_open_sizes_must_be_stated(tmp_path: Path) -> None:
    kernel = {"k": np.ones((16, 3, 3, 3), np.float32)}
    made = model([node("Conv", ["x", "k"], ["y"], pads=[1] * 4)], kernel, x=(1, 3, "h", "w"), y=(1, 16, "h", "w"))
    with pytest.raises(InputError, match=r"input x leaves sizes open \(1 x 3 x h x w\).*--input-size x=1x3x224x224"):
        load(tmp_path, made)
    found = load(tmp_path, made, sizes={"x": (1, 3, 10, 12)})
    assert found.layers[0].macs_dense == 27 * 16 * 120
    for sizes, words in (
        ({"z": (1,)}, "has no input z"),
        ({"x": (1, 3)}, "4 sizes, not 2"),
        ({"x": (1, 4, 8, 8)}, "size 3 at"),
    ):
        with pytest.raises(InputError, match=words):
            load(tmp_path, made, sizes=sizes)


def test_shapes_that_are_computed(tmp_path: Path) -> None:
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["batch"], axis=0),
        node("Unsqueeze", ["batch", "axes"], ["row"]),
        node("Concat", ["row", "rest"], ["sizes"], axis=0),
        node("Reshape", ["x", "sizes"], ["flat"]),
        node("MatMul", ["flat", "w"], ["y"]),
    ]
    weights = {"zero": np.int64(0), "axes": np.array([0]), "rest": np.array([64]), "w": W.T}
    found = load(tmp_path, model(nodes, weights, x=("n", 4, 4, 4), y=("n", 32)))
    assert found.layers[0].macs_dense == 32 * 64
    assert "sizes that the file leaves open (n) count as 1" in found.notes


def test_a_branch_that_is_known_is_taken(tmp_path: Path) -> None:
    result = helper.make_tensor_value_info("r", FLOAT, None)
    then = helper.make_graph([node("MatMul", ["x", "w"], ["r"])], "then", [], [result])
    other = helper.make_graph([node("Identity", ["x"], ["r"])], "other", [], [result])
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Size", ["shape"], ["rank"]),
        node("Equal", ["rank", "two"], ["flag"]),
        node("If", ["flag"], ["h"], then_branch=then, else_branch=other),
        node("Relu", ["h"], ["y"]),
    ]
    found = load(tmp_path, model(nodes, {"two": np.int64(2), "w": W.T}))
    assert [layer.macs_dense for layer in found.layers] == [8 * 32 * 64]


def test_sparse_initialisers(tmp_path: Path) -> None:
    made = model([MATMUL], {})
    places = np.flatnonzero(W.T)
    values = onnx.numpy_helper.from_array(W.T.reshape(-1)[places], "d")
    made.graph.sparse_initializer.append(
        helper.make_sparse_tensor(values, onnx.numpy_helper.from_array(places.astype(np.int64), "places"), [64, 32])
    )
    (layer,) = load(tmp_path, made).layers
    assert (str(layer.pattern), layer.density) == ("2:4", 0.5)


@pytest.mark.parametrize("place", ["../weights.bin", "/etc/hostname"])
def test_weights_lie_in_the_file_s_folder(place: str, tmp_path: Path) -> None:
    made = model([MATMUL], {"d": W.T})
    onnx.external_data_helper.set_external_data(made.graph.initializer[0], location=place)
    made.graph.initializer[0].ClearField("raw_data")
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(W.tobytes())
    (folder / "m.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(InputError, match=r"cannot be read as \.onnx"):
        load_source(str(folder / "m.onnx"))


def test_an_operator_of_a_stranger_is_named(tmp_path: Path) -> None:
    found = load(tmp_path, model([node("Magic", ["x", "w"], ["y"], domain="my")], {"w": W.T}))
    assert [(each.operator, each.parameters) for each in found.unpriced] == [("my.Magic", 32 * 64)]


@pytest.mark.parametrize("version", [0, -1])
def test_operators_of_no_version_are_refused(version: int, tmp_path: Path) -> None:
    made = model([node("MatMul", ["x", "w"], ["y"])], {"w": np.ones((64, 32), np.float32)}, opset=version)
    with pytest.raises(InputError, match=f"operators of version ai.onnx {version}, expected at least 1$"):
        load(tmp_path, made)


def test_two_values_of_one_name_are_refused(tmp_path: Path) -> None:
    product, weights = node("MatMul", ["x", "w"], ["y"]), {"w": np.ones((64, 32), np.float32)}
    twice = model([product], weights)
    twice.graph.output.append(twice.graph.output[0])
    over = [product, node("Relu", ["y"], ["w"])]
    for made, name in ((twice, "y"), (model([product, product], weights), "y"), (model(over, weights), "w")):
        with pytest.raises(InputError, match=f"two values are called {name}$"):
            load(tmp_path, made)
