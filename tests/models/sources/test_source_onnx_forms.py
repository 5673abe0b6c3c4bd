"""ONNX files as exporters and quantisers write them: each form has the right products, or is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import ModelDescription
from skipbeat_models.sources import load_source

onnx: Any = pytest.importorskip("onnx")
helper, kinds = onnx.helper, onnx.TensorProto
node = helper.make_node
FLOAT = kinds.FLOAT


def two_of_four(outputs: int = 32, inputs: int = 64) -> np.ndarray[Any, Any]:
    """[outputs, inputs] 2:4 along the inputs."""
    weight = np.random.default_rng(0).standard_normal((outputs * inputs // 4, 4)).astype(np.float32)
    np.put_along_axis(weight, np.argsort(abs(weight), -1)[:, :2], 0, -1)
    return weight.reshape(outputs, inputs)


W = two_of_four()
INTEGERS = np.clip(np.round(W * 40), -127, 127).astype(np.int8)
SCALE, ZERO, BYTE = np.float32(0.025), np.int8(0), np.uint8(0)


def model(
    nodes: Sequence[Any],
    weights: Mapping[str, Any],
    *,
    x: Sequence[int | str] = (8, 64),
    y: Sequence[int | str] | None = (8, 32),
    kind: int = FLOAT,
    out: int = FLOAT,
    functions: Sequence[Any] = (),
    opset: int = 17,
) -> Any:
    stored = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()]
    given = [helper.make_tensor_value_info("x", kind, list(x))]
    made = [helper.make_tensor_value_info("y", out, y)]
    graph = helper.make_graph(list(nodes), "g", given, made, stored)
    domains = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("my", 1)]
    return helper.make_model(graph, opset_imports=domains, functions=list(functions), ir_version=10)


def load(path: Path, made: Any, **options: Any) -> ModelDescription:
    onnx.save(made, path / "m.onnx")
    return load_source(str(path / "m.onnx"), **options)


def _bits(weight: np.ndarray[Any, Any]) -> dict[str, Any]:
    """MatMulNBits' operands: 4 bits, blocks of 32, zero at 8."""
    numbers = (np.clip(np.round(weight * 4), -8, 7) + 8).astype(np.uint8).reshape(32, 2, 32)
    return {"b": numbers[..., ::2] | numbers[..., 1::2] << 4, "s": np.full((32, 2), 0.25, np.float32)}


LOCAL = helper.make_function(
    "my", "Lin", ["a", "b"], ["c"], [node("MatMul", ["a", "b"], ["c"])], [helper.make_opsetid("", 17)]
)
MATMUL = node("MatMul", ["x", "d"], ["y"])
IN_BYTES, OUT_BYTES = {"kind": kinds.UINT8, "out": kinds.UINT8}, {"kind": kinds.UINT8, "out": kinds.INT32}
MS = {"domain": "com.microsoft"}
#: Forms of a product of 8 rows with the weight, 2:4 each.
LINEAR: dict[str, tuple[list[Any], dict[str, Any], dict[str, Any]]] = {
    "dequantised": ([node("DequantizeLinear", ["q", "s"], ["d"]), MATMUL], {"q": INTEGERS.T, "s": SCALE}, {}),
    "masked": ([node("Mul", ["w", "m"], ["d"]), MATMUL], {"w": W.T + 1, "m": (W.T != 0).astype(np.float32)}, {}),
    "where": ([node("Where", ["m", "w", "z"], ["d"]), MATMUL], {"m": W.T != 0, "w": W.T + 1, "z": np.float32(0)}, {}),
    "transposed": ([node("Transpose", ["w"], ["d"]), MATMUL], {"w": W}, {}),
    "gathered": (
        [node("Gather", ["w", "i"], ["d"], axis=0), MATMUL],
        {"w": W.T[::-1].copy(), "i": np.arange(64)[::-1].copy()},
        {},
    ),
    "scaled": ([node("Constant", [], ["c"], value_float=2.0), node("Mul", ["w", "c"], ["d"]), MATMUL], {"w": W.T}, {}),
    "low rank": (
        [
            *(node("Gemm", ["b", "a"], ["u"], alpha=0.5), node("Add", ["v", "u"], ["e"])),
            *(node("Where", ["m", "e", "z"], ["d"]), MATMUL),
        ],
        {"v": W.T, "b": np.ones((64, 4), np.float32), "a": np.ones((4, 32), np.float32), "m": W.T != 0, "z": SCALE * 0},
        {},
    ),
    "local function": ([node("Lin", ["x", "w"], ["y"], domain="my")], {"w": W.T}, {"functions": [LOCAL]}),
    "bits": ([node("MatMulNBits", ["x", "b", "s"], ["y"], N=32, K=64, bits=4, block_size=32, **MS)], _bits(W), {}),
    "fused": ([node("FusedMatMul", ["x", "w"], ["y"], transB=1, **MS)], {"w": W}, {}),
    "fused gemm": (
        [node("FusedGemm", ["x", "w", "c"], ["y"], transB=1, activation="Relu", **MS)],
        {"w": W, "c": np.zeros(32, np.float32)},
        {},
    ),
    "dynamic": ([node("DynamicQuantizeMatMul", ["x", "q", "s"], ["y"], **MS)], {"q": INTEGERS.T, "s": SCALE}, {}),
    "integers": (
        [node("MatMulInteger", ["x", "q", "a", "b"], ["y"])],
        {"q": INTEGERS.T, "a": BYTE, "b": ZERO},
        OUT_BYTES,
    ),
    "quantised": (
        [node("QLinearMatMul", ["x", "s", "a", "q", "s", "b", "s", "a"], ["y"])],
        {"q": (INTEGERS.T.astype(np.int16) + 128).astype(np.uint8), "s": SCALE, "a": BYTE, "b": np.uint8(128)},
        IN_BYTES,
    ),
    "behind an activation of onnxruntime": (
        [node("FastGelu", ["x"], ["h"], **MS), node("MatMul", ["h", "w"], ["y"])],
        {"w": W.T},
        {},
    ),
}


@pytest.mark.parametrize("form", LINEAR)
def test_linear_layers(form: str, tmp_path: Path) -> None:
    nodes, weights, options = LINEAR[form]
    found = load(tmp_path, model(nodes, weights, **options))
    (layer,) = found.layers
    assert (layer.kind, layer.macs_dense, str(layer.pattern), found.unpriced) == ("linear", 8 * 32 * 64, "2:4", ())


def test_products_of_stored_tensors_that_make_no_weight_run(tmp_path: Path) -> None:
    stored = {"w": W.T, "u": np.ones((8, 64), np.float32)}
    products = [node("MatMul", ["u", "w"], ["q"]), node("MatMul", ["x", "w"], ["k"])]
    found = load(tmp_path, model([*products, node("Add", ["q", "k"], ["y"])], stored))
    assert [layer.macs_dense for layer in found.layers] == [8 * 64 * 32, 8 * 64 * 32]


CONVOLUTIONS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "fused": (node("FusedConv", ["x", "w"], ["y"], activation="Relu", **MS), {"w": W.reshape(32, 64, 1, 1)}, {}),
    "integers": (
        node("ConvInteger", ["x", "w", "a", "b"], ["y"]),
        {"w": INTEGERS.reshape(32, 64, 1, 1), "a": BYTE, "b": ZERO},
        OUT_BYTES,
    ),
    "quantised": (
        node("QLinearConv", ["x", "s", "a", "w", "t", "z", "s", "a"], ["y"]),
        {
            "w": INTEGERS.reshape(32, 64, 1, 1),
            "s": SCALE,
            "a": BYTE,
            "t": np.full(32, SCALE),
            "z": np.zeros(32, np.int8),
        },
        IN_BYTES,
    ),
}


@pytest.mark.parametrize("form", CONVOLUTIONS)
def test_convolutions(form: str, tmp_path: Path) -> None:
    made, weights, options = CONVOLUTIONS[form]
    found = load(tmp_path, model([made], weights, x=(1, 64, 5, 5), y=(1, 32, 5, 5), **options))
    (layer,) = found.layers
    assert (layer.kind, layer.macs_dense, str(layer.pattern), found.unpriced) == ("conv", 25 * 32 * 64, "2:4", ())


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent_layers(kind: str, gates: int, tmp_path: Path) -> None:
    weights = {"w": np.ones((2, gates * 8, 6), np.float32), "r": np.ones((2, gates * 8, 8), np.float32)}
    made = node(kind, ["x", "w", "r"], ["y"], hidden_size=8, direction="bidirectional", name="rnn")
    found = load(tmp_path, model([made], weights, x=(5, 3, 6), y=(5, 2, 3, 8)))
    assert sum(layer.macs_dense for layer in found.layers) == 2 * 5 * 3 * gates * 8 * (6 + 8)
    assert found.unpriced == ()


ATTENTION: dict[str, tuple[Any, dict[str, Any], tuple[int, ...], int]] = {
    "of ONNX": (node("Attention", ["x", "x", "x"], ["y"]), {}, (2, 4, 10, 16), 2 * 2 * 4 * 100 * 16),
    "of ONNX, three dimensions": (
        node("Attention", ["x", "x", "x"], ["y"], q_num_heads=4, kv_num_heads=4),
        {},
        (2, 10, 64),
        2 * 2 * 4 * 100 * 16,
    ),
    "many heads": (node("MultiHeadAttention", ["x", "x", "x"], ["y"], num_heads=4, **MS), {}, (2, 10, 64), 25_600),
    "with its weight": (
        node("Attention", ["x", "w"], ["y"], num_heads=4, **MS),
        {"w": np.ones((64, 192), np.float32)},
        (2, 10, 64),
        25_600 + 20 * 64 * 192,
    ),
    "of bytes": (
        node("QAttention", ["x", "w", "b", "s", "s", "", "z", "z"], ["y"], num_heads=4, **MS),
        {"w": np.ones((64, 192), np.int8), "b": np.zeros(192, np.float32), "s": SCALE, "z": ZERO},
        (2, 10, 64),
        25_600 + 20 * 64 * 192,
    ),
    "groups": (
        node("GroupQueryAttention", ["x", "", "", "", "", "n", "n"], ["y"], num_heads=4, kv_num_heads=2, **MS),
        {"n": np.array([10], np.int32)},
        (2, 10, 128),
        2 * 2 * 4 * 100 * 16,
    ),
}


@pytest.mark.parametrize("form", ATTENTION)
def test_attention(form: str, tmp_path: Path) -> None:
    made, weights, x, macs = ATTENTION[form]
    found = load(tmp_path, model([made], weights, x=x, y=None, opset=23))
    assert (sum(layer.macs_dense for layer in found.layers), found.unpriced) == (macs, ())


@pytest.mark.parametrize("turned", [False, True])
def test_a_mixture_of_experts(turned: bool, tmp_path: Path) -> None:
    into, out = two_of_four(4 * 32, 64).reshape(4, 32, 64), two_of_four(4 * 64, 32).reshape(4, 64, 32)
    weights = {"a": into, "b": out} if turned else {"a": into.transpose(0, 2, 1), "b": out.transpose(0, 2, 1)}
    nodes = [
        node("MatMul", ["x", "g"], ["p"]),
        node("MoE", ["x", "p", "a", "", "b"], ["h"], k=2, **MS),
        node("GroupNormalization", ["h", "s", "s"], ["y"], num_groups=4),
    ]
    stored = weights | {"g": np.ones((64, 4), np.float32), "s": np.ones(64, np.float32)}
    found = load(tmp_path, model(nodes, stored, y=None, opset=21))
    assert [(layer.macs_dense, str(layer.pattern)) for layer in found.layers] == [
        (8 * 64 * 4, "dense"),
        (2 * 8 * 64 * 32, "2:4"),
        (2 * 8 * 32 * 64, "2:4"),
    ]
    assert found.unpriced == ()


@pytest.mark.parametrize("options", [{"auto_pad": "SAME_UPPER"}, {"output_shape": [10, 14]}, {"pads": [0, 1, 1, 0]}])
def test_transposed_convolutions_whose_padding_is_computed(options: dict[str, Any], tmp_path: Path) -> None:
    made = node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], **options)
    weights = {"w": np.ones((4, 6, 3, 3), np.float32)}
    found = load(tmp_path, model([made], weights, x=(1, 4, 5, 7), y=None))
    assert [layer.macs_dense for layer in found.layers] == [5 * 7 * 4 * 6 * 9]
    assert found.unpriced == ()


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
