"""Products of ONNX and onnxruntime without a counterpart of one name: quantised, of few bits, recurrent, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..graphs.graph import Argument, Value
from .onnx_stored import OnnxStored

#: Target, arguments, and why it is not priced.
Translated = tuple[str, dict[str, Argument], str]

#: Matrix products by the places of their operands, and of the second one's scale and zero.
_MATRICES = {
    "DynamicQuantizeMatMul": (0, 1, 2, 3),
    "FusedMatMul": (0, 1, None, None),
    "Gemm": (0, 1, None, None),
    "MatMulInteger": (0, 1, None, 3),
    "MatMulIntegerToFloat": (0, 1, 3, 5),
    "QGemm": (0, 3, 4, 5),
    "QLinearMatMul": (0, 3, 4, 5),
    "TransposeMatMul": (0, 1, None, None),
}
#: Gates of the recurrent layers, and PyTorch's name for them.
_RECURRENT = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn_tanh"}


def other_product(
    kind: str, options: Mapping[str, Any], inputs: Sequence[Argument], stored: OnnxStored
) -> Translated | None:
    """A product as the one of PyTorch that computes it; None: it is none of these."""
    if kind in _MATRICES:
        return _matrices(options, inputs, _MATRICES[kind], stored)
    if kind == "MatMulNBits":
        return _of_bits(options, inputs, stored)
    if kind in _RECURRENT:
        return _recurrent(kind, inputs, stored)
    if kind in ("MultiHeadAttention", "GroupQueryAttention", "Attention"):
        return _attention(options, inputs)
    return None


def _matrices(
    options: Mapping[str, Any],
    inputs: Sequence[Argument],
    places: tuple[int, int, int | None, int | None],
    stored: OnnxStored,
) -> Translated:
    left, right = inputs[places[0]], inputs[places[1]]
    assert isinstance(left, Value)
    assert isinstance(right, Value)
    scale, zero = (None if at is None or at >= len(inputs) else inputs[at] for at in places[2:])
    turned = bool(options.get("transB"))
    if scale is not None or zero is not None:
        right = stored.less_zero(right, scale, zero, -2 if turned else -1)
    if options.get("transA") or (turned and len(right.shape) > 2):
        first, second = "...ca" if options.get("transA") else "...ac", "...kc" if turned else "...ck"
        return "aten.einsum.default", {"equation": f"{first},{second}->...ak", "tensors": [left, right]}, ""
    if turned:
        return "aten.linear.default", {"input": left, "weight": right}, ""
    return "aten.matmul.default", {"self": left, "other": right}, ""


def _of_bits(options: Mapping[str, Any], inputs: Sequence[Argument], stored: OnnxStored) -> Translated:
    packed, scales = inputs[1], inputs[2]
    sizes = (options["N"], options["K"], options.get("bits", 4), options["block_size"])
    weight = None
    if isinstance(packed, Value) and isinstance(scales, Value):
        weight = stored.of_bits(packed, scales, inputs[3] if len(inputs) > 3 else None, sizes)
    if weight is None:
        args = {"self": inputs[0], "other": packed}
        return "com_microsoft.MatMulNBits", args, "of a number of bits that is not known"
    return "aten.linear.default", {"input": inputs[0], "weight": weight}, ""


def _recurrent(kind: str, inputs: Sequence[Argument], stored: OnnxStored) -> Translated:
    """One layer; the weights [directions, ...] are cut into those of each direction."""
    source, *weights = inputs[:3]
    params: list[Argument] = []
    directions = 0
    for weight in weights:
        if not isinstance(weight, Value) or not stored.has(weight):
            return f"onnx.{kind}", {"self": source}, "a recurrent layer whose weights are not stored"
        directions = weight.shape[0]
    for direction in range(directions):
        for weight in weights:
            assert isinstance(weight, Value)
            params.append(_slice(stored, weight, direction))
    args: dict[str, Argument] = {
        "input": source,
        "params": params,
        "num_layers": 1,
        "bidirectional": directions == 2,
        "batch_first": False,
    }
    return f"aten.{_RECURRENT[kind]}.input", args, ""


def _slice(stored: OnnxStored, weight: Value, at: int) -> Value:
    return stored.add(f"{weight.name}[{at}]", weight.shape[1:], lambda: stored.read(weight)[at])


def _attention(options: Mapping[str, Any], inputs: Sequence[Argument]) -> Translated | None:
    query, key, value, *rest = [*inputs, *[None] * 6][:6]
    heads = options.get("num_heads", options.get("q_num_heads", 0))
    groups = options.get("kv_num_heads", heads)
    if not isinstance(query, Value):
        return None
    if key is None and len(query.shape) == 3:  # queries, keys and values side by side
        size = query.shape[-1] // (heads + 2 * groups)
        query = replace(query, shape=(*query.shape[:2], heads * size))
        key = value = replace(query, shape=(*query.shape[:2], groups * size))
    elif key is None:
        batch, rows, _, _, size = query.shape
        query = key = value = replace(query, shape=(batch, rows, heads * size))
    if not isinstance(key, Value):
        return None
    if len(key.shape) == 5:
        batch, rows, _, _, size = key.shape
        key = value = replace(key, shape=(batch, rows, heads * size))
    if not isinstance(value, Value):
        return None
    past = next((item.shape[-2] for item in rest[1:3] if isinstance(item, Value) and len(item.shape) == 4), 0)
    found = [_heads(query, heads, 0), _heads(key, groups, past), _heads(value, groups, past)]
    return "aten.scaled_dot_product_attention.onnx", dict(zip(("query", "key", "value"), found, strict=True)), ""


def _heads(value: Value, heads: int, past: int) -> Value:
    """[batch, heads, rows, size]."""
    if len(value.shape) == 4:
        batch, heads, rows, size = value.shape
    else:
        batch, rows, whole = value.shape
        size = whole // max(1, heads)
    return replace(value, shape=(batch, heads, rows + past, size))
