"""An operator of ONNX under the name that PyTorch has for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from ..graphs.graph import Argument, Value
from .onnx_contrib import SAME_SIZE
from .onnx_products import Translated, other_product
from .onnx_stored import OnnxStored

#: Operators that have a counterpart of one operand that matters.
_SAME = {
    "Relu": "relu",
    "Clip": "clamp",
    "BatchNormalization": "batch_norm",
    "Add": "add",
    "Div": "div",
    "Mul": "mul",
    "Neg": "neg",
    "Pow": "pow",
    "Sub": "sub",
    "Where": "where",
    "Sum": "add",
    "Reshape": "view",
    "Flatten": "flatten",
    "Squeeze": "squeeze",
    "Unsqueeze": "unsqueeze",
    "Concat": "cat",
    "Split": "split",
    "Slice": "slice",
    "Identity": "alias",
    "Dropout": "dropout",
    "Cast": "to",
    "Pad": "pad",
    "Expand": "expand",
    "Tile": "repeat",
    "Shape": "size",
    "Constant": "full",
    "Range": "arange",
    "ConstantOfShape": "full",
    "SpaceToDepth": "pixel_unshuffle",
    "DepthToSpace": "pixel_shuffle",
    "Size": "size",
}
_POOLS = {"MaxPool": "max_pool2d", "AveragePool": "avg_pool2d"}
#: Names of operands where PyTorch's own are needed.
_OPERANDS = {
    "BatchNormalization": ("input", "weight", "bias", "running_mean", "running_var"),
    "Clip": ("self", "min", "max"),
    "Pow": ("self", "exponent"),
    "Where": ("condition", "self", "other"),
}
#: Sums over axes, which are an option or an operand that is stored.
_REDUCTIONS = {"CumSum": "cumsum", "ReduceMean": "mean", "ReduceSum": "sum"} | dict.fromkeys(
    ("ReduceL2", "ReduceSumSquare"), "linalg_vector_norm"
)
_SCATTERED = {"ScatterElements": ("scatter_add", "src"), "ScatterND": ("index_put", "values")}
#: Convolutions of integers: places of the weight, of its scale and zero, and of a bias that is stored as it is.
_CONVOLUTIONS = {"QLinearConv": (3, 4, 5, 99), "ConvInteger": (1, None, 3, 99)}
#: Products that are not priced, and why.
_LEFT = {
    "CausalConvWithState": "a product of a form that is not priced",
    "DeformConv": "its taps move with the data",
    "FlexAttention": "a product of a form that is not priced",
    "LinearAttention": "a product of a form that is not priced",
}


def translate(
    node: Any, options: Mapping[str, Any], inputs: Sequence[Argument], results: tuple[Value, ...], stored: OnnxStored
) -> Translated:
    """The operator's target and arguments, and why it is not priced although it is a product.

    Args:
        inputs: None where an operand is left out.
    """
    kind, value = node.op_type, inputs[0] if inputs else None
    own = node.domain in ("", "ai.onnx")
    if own and kind in ("Conv", "ConvTranspose", "ConvInteger", "QLinearConv"):
        return _convolution(kind, options, inputs, results[0], stored)
    if own and kind == "MatMul":
        return "aten.matmul.default", {"self": value, "other": inputs[1]}, ""
    if own and kind == "Gemm" and not options.get("transA"):
        bias: dict[str, Argument] = {"bias": inputs[2]} if len(inputs) > 2 and inputs[2] is not None else {}
        if options.get("transB"):
            return "aten.linear.default", {"input": value, "weight": inputs[1]} | bias, ""
        return "aten.mm.default", {"self": value, "mat2": inputs[1]} | bias, ""
    if own and kind == "Einsum":
        return "aten.einsum.default", {"equation": options["equation"].decode(), "tensors": list(inputs)}, ""
    if own and kind in _REDUCTIONS:
        axes = inputs[1] if len(inputs) > 1 else None
        dims: Argument = list(options.get("axes", ())) or None
        if isinstance(axes, Value) and stored.has(axes):
            dims = [int(axis) for axis in stored.read(axes).reshape(-1)]
        args = {"self": value, "dim": dims, "keepdim": bool(options.get("keepdims", 1))}
        return f"aten.{_REDUCTIONS[kind]}.onnx", args, ""
    if own and kind in _SCATTERED and options.get("reduction", b"none") == b"add":
        name, summed = _SCATTERED[kind]
        return f"aten.{name}.onnx", {"self": value, summed: inputs[2], "accumulate": True}, ""
    found = other_product(kind, options, inputs, stored)
    return found or _other(node, options, inputs, results)


def _other(node: Any, options: Mapping[str, Any], inputs: Sequence[Argument], results: tuple[Value, ...]) -> Translated:
    kind, value = node.op_type, inputs[0] if inputs else None
    args: dict[str, Argument] = {
        name: item for name, item in zip(_operand_names(kind), inputs, strict=False) if item is not None
    }
    if node.domain not in ("", "ai.onnx") and kind not in SAME_SIZE:
        return f"{node.domain.replace('.', '_')}.{kind}", args, ""
    if kind == "Transpose":
        rank = len(value.shape) if isinstance(value, Value) else 0
        order: list[Argument] = list(options.get("perm", range(rank)[::-1]))
        return "aten.permute.default", {"self": value, "dims": order}, ""
    if kind == "Reshape":
        return "aten.view.default", {"self": value, "size": list(results[0].shape)}, ""
    if kind == "GlobalAveragePool":
        return "aten.adaptive_avg_pool2d.onnx", {"self": value, "output_size": 1}, ""
    if kind in _POOLS:
        return f"aten.{_POOLS[kind]}.onnx", args | _pool_options(options), ""
    if kind in _SAME:
        numbers = {name: options[name] for name in ("min", "max") if name in options}
        if kind == "BatchNormalization":
            numbers["eps"] = options.get("epsilon", 1e-5)
        return f"aten.{_SAME[kind]}.onnx", args | numbers, ""
    return f"onnx.{kind}", args, _LEFT.get(kind, "")


def _convolution(
    kind: str, options: Mapping[str, Any], inputs: Sequence[Argument], result: Value, stored: OnnxStored
) -> Translated:
    at, scale, zero, added = _CONVOLUTIONS.get(kind, (1, None, None, 2))
    source, weight = inputs[0], inputs[at]
    assert isinstance(source, Value)
    assert isinstance(weight, Value)
    if zero is not None:
        numbers = [inputs[place] if place is not None and place < len(inputs) else None for place in (scale, zero)]
        weight = stored.less_zero(weight, numbers[0], numbers[1], 0)
    spatial = len(weight.shape) - 2
    strides = list(options.get("strides", [1] * spatial))
    dilations = list(options.get("dilations", [1] * spatial))
    pads = list(options.get("pads", [0] * 2 * spatial))
    transposed = kind == "ConvTranspose"
    automatic = options.get("auto_pad", b"NOTSET").decode()
    if automatic.startswith("SAME") or "output_shape" in options:
        few, many = (source, result) if transposed else (result, source)
        longer = options.get("output_padding", [0] * spatial)
        sizes = zip(few.shape[2:], many.shape[2:], weight.shape[2:], strides, dilations, longer, strict=True)
        total = [
            max(0, (size - 1) * step + dilation * (taps - 1) + 1 + last - whole)
            for size, whole, taps, step, dilation, last in sizes
        ]
        less, more = [pad // 2 for pad in total], [pad - pad // 2 for pad in total]
        pads = less + more if automatic == "SAME_UPPER" else more + less
    args: dict[str, Argument] = {
        "input": source,
        "weight": weight,
        "stride": strides,
        "dilation": dilations,
        "padding": pads,
        "groups": options.get("group", 1),
    }
    if len(inputs) > added and inputs[added] is not None:
        args["bias"] = inputs[added]
    return ("aten.conv_transpose2d.onnx" if transposed else "aten.convolution.onnx"), args, ""


def _operand_names(kind: str) -> Iterator[str]:
    """Names of an operator's operands, PyTorch's own where they matter."""
    yield from _OPERANDS.get(kind, ("self", "other"))
    yield from (f"input{index}" for index in count())


def _pool_options(attributes: Mapping[str, Any]) -> dict[str, Argument]:
    """The options of a pooling of two dimensions as PyTorch has them; ONNX pads both sides on their own."""
    kernel = list(attributes["kernel_shape"])
    pads = list(attributes.get("pads", [0] * 2 * len(kernel)))
    spatial = len(kernel)
    plain = pads[:spatial] == pads[spatial:] and attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
    dilation = list(attributes.get("dilations", [1] * spatial))
    return {
        "kernel_size": kernel,
        "stride": list(attributes.get("strides", [1] * spatial)),
        "padding": pads[:spatial],
        "dilation": dilation if plain else [0] * spatial,
        "ceil_mode": bool(attributes.get("ceil_mode", 0)),
        "count_include_pad": bool(attributes.get("count_include_pad", 0)),
    }
