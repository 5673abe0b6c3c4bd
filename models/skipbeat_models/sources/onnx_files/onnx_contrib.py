"""Operators that onnxruntime adds to ONNX: those that are others with a clamp behind, and the sizes of results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = tuple[int, ...]

#: What is a product of ONNX with an activation function behind it, and how many operands that has.
_FUSED = {"FusedConv": ("Conv", 3), "FusedGemm": ("Gemm", 3)}
_ACTIVATION = ("activation", "activation_params", "activation_alpha", "activation_beta", "activation_gamma")
#: What multiplies nothing of one tensor by another's; the result has the size of the first operand.
SAME_SIZE = frozenset(
    {"BiasAdd", "BiasDropout", "BiasGelu", "BiasSoftmax", "BiasSplitGelu", "EmbedLayerNormalization", "FastGelu"}
    | {"Gelu", "GroupNorm", "LayerNormalization", "QLinearAdd", "QLinearLeakyRelu", "QLinearMul", "QLinearSigmoid"}
    | {"QLinearSoftmax", "QuickGelu", "RotaryEmbedding", "SimplifiedLayerNormalization", "SkipLayerNormalization"}
    | {"SkipSimplifiedLayerNormalization", "SkipGroupNorm", "DequantizeLinear", "QuantizeLinear", "Trilu"}
)
#: Products by the places of their operands.
MATRICES = {
    "DynamicQuantizeMatMul": (0, 1),
    "FusedMatMul": (0, 1),
    "MatMulIntegerToFloat": (0, 1),
    "QGemm": (0, 3),
    "TransposeMatMul": (0, 1),
}
_OF_BITS = frozenset({"MatMulNBits", "MatMulBnb4"})
_EXPERTS = frozenset({"MoE", "QMoE"})
#: ONNX's own, of which it does not find the size.
_NORMS = frozenset({"GroupNormalization"})


def plain_node(node: Any) -> None:
    """Makes a fused product the plain one of ONNX."""
    if node.op_type in _FUSED and node.domain == "com.microsoft":
        node.op_type, most = _FUSED[node.op_type]
        node.domain = ""
        del node.input[most:]
        kept = [item for item in node.attribute if item.name not in _ACTIVATION]
        del node.attribute[:]
        node.attribute.extend(kept)


def output_shape(node: Any, shapes: Mapping[str, Shape], onnx: Any) -> Shape | None:
    """The size of an operator's first result, where ONNX does not find it and those of its operands are known."""
    if not node.input:
        return None
    kind, given = node.op_type, [shapes.get(name) for name in node.input]
    first = given[0]
    if first is None or (node.domain in ("", "ai.onnx", "ai.onnx.ml") and kind not in _NORMS):
        return None
    options = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    if kind in SAME_SIZE | _NORMS | _EXPERTS:
        return first
    if kind in _OF_BITS:
        return (*first[:-1], options["N"])
    if kind in MATRICES:
        return _product(first, given[MATRICES[kind][1]], options)
    if kind == "GroupQueryAttention" and len(given) > 1 and given[1] is None:
        heads = options["num_heads"] + 2 * options["kv_num_heads"]
        return (*first[:-1], first[-1] // heads * options["num_heads"])
    if kind in ("MultiHeadAttention", "GroupQueryAttention"):
        return (*first[:2], first[2] * first[4]) if len(first) == 5 else first
    return _hidden(first, given[1] if len(given) > 1 else None) if kind in ("Attention", "QAttention") else None


def _hidden(source: Shape, weight: Shape | None) -> Shape | None:
    """The result of attention with a weight [C, 3 H D]."""
    return None if weight is None else (*source[:2], weight[1] // 3)


def _product(left: Shape, right: Shape | None, options: Mapping[str, Any]) -> Shape | None:
    if right is None or min(len(left), len(right)) < 2:
        return None
    rows = left[-1] if options.get("transA") else left[-2]
    columns = right[-2] if options.get("transB") else right[-1]
    outer = left[:-2] if len(left) >= len(right) else right[:-2]
    return (*outer, rows, columns)
