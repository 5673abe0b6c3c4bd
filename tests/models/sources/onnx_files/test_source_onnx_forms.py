"""ONNX files as exporters and quantisers write them: each form has the right products, or is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.sources.onnx_models import MATMUL, W, helper, kinds, load, model, node, two_of_four

INTEGERS = np.clip(np.round(W * 40), -127, 127).astype(np.int8)
SCALE, ZERO, BYTE = np.float32(0.025), np.int8(0), np.uint8(0)


def _bits(weight: np.ndarray[Any, Any]) -> dict[str, Any]:
    """MatMulNBits' operands: 4 bits, blocks of 32, zero at 8."""
    numbers = (np.clip(np.round(weight * 4), -8, 7) + 8).astype(np.uint8).reshape(32, 2, 32)
    return {"b": numbers[..., ::2] | numbers[..., 1::2] << 4, "s": np.full((32, 2), 0.25, np.float32)}


LOCAL = helper.make_function(
    "my", "Lin", ["a", "b"], ["c"], [node("MatMul", ["a", "b"], ["c"])], [helper.make_opsetid("", 17)]
)
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
