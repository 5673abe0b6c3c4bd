"""The operators of an `.onnx` file (the extra `onnx`), under the names that PyTorch has for them.

Sizes come from ONNX's own shape inference; one that the file leaves open, such as the batch, counts as 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import torch

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.files import regular_file

from .graph import Argument, Graph, Operator, Value

#: Operators that have a counterpart of one operand that matters.
_SAME = {
    "Relu": "relu",
    "Clip": "clamp",
    "BatchNormalization": "batch_norm",
    "Add": "add",
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
}
#: Products that are not priced, and why.
_LEFT = {
    "LSTM": "a recurrent layer of ONNX",
    "GRU": "a recurrent layer of ONNX",
    "RNN": "a recurrent layer of ONNX",
    "QLinearConv": "of quantised operands",
    "QLinearMatMul": "of quantised operands",
    "ConvInteger": "of quantised operands",
    "MatMulInteger": "of quantised operands",
    "Attention": "fused attention of ONNX",
    "MultiHeadAttention": "fused attention of ONNX",
    "DeformConv": "its taps move with the data",
}
_CONTROL = frozenset({"If", "Loop", "Scan"})


def load_onnx(path: Path) -> Graph:
    """The operators of an ONNX model with its weights.

    Raises:
        InputError: the onnx package is missing, the file is not of ONNX, or its sizes cannot be found.
    """
    try:
        onnx = import_module("onnx")
        inference = import_module("onnx.shape_inference")
        check_error = import_module("onnx.checker").ValidationError
        decode_error = import_module("google.protobuf.message").DecodeError
    except ImportError as error:
        raise InputError(f"model {path}: reading .onnx needs the onnx package: pip install 'skipbeat[onnx]'") from error
    try:
        model = onnx.load(str(regular_file(path, f"model {path}")))
        opened = _fix_open_sizes(model.graph)
        inferred = inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except InputError:
        raise
    except (OSError, ValueError, RuntimeError, TypeError, decode_error, check_error, inference.InferenceError) as error:
        raise InputError(f"model {path}: cannot be read as .onnx: {described(error)}") from None
    if not model.graph.node:
        raise InputError(f"model {path}: cannot be read as .onnx: it has no operators")
    notes = (f"sizes that the file leaves open ({', '.join(opened)}) count as 1",) if opened else ()
    return _Reader(path, onnx, inferred.graph).read(notes)


def _fix_open_sizes(graph: Any) -> list[str]:
    """Sets the inputs' open sizes to 1; returns their names."""
    stored = {tensor.name for tensor in graph.initializer}
    opened: list[str] = []
    for given in graph.input:
        for index, size in enumerate(given.type.tensor_type.shape.dim if given.name not in stored else ()):
            if not size.HasField("dim_value") or size.dim_value < 1:
                opened.append(size.dim_param or f"{given.name}[{index}]")
                size.dim_value = 1
    # Sizes of other values were written with the open ones in them.
    del graph.value_info[:]
    for result in graph.output if opened else ():
        result.type.tensor_type.ClearField("shape")
    return list(dict.fromkeys(opened))


class _Reader:
    def __init__(self, path: Path, onnx: Any, graph: Any) -> None:
        self._path, self._onnx, self._graph = path, onnx, graph
        self._stored: dict[str, Callable[[], torch.Tensor]] = {
            tensor.name: partial(self._tensor, tensor) for tensor in graph.initializer
        }
        self._shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        for value in (*graph.input, *graph.value_info, *graph.output):
            shape = value.type.tensor_type.shape
            if value.type.tensor_type.HasField("shape") and all(size.HasField("dim_value") for size in shape.dim):
                self._shapes[value.name] = tuple(size.dim_value for size in shape.dim)

    def read(self, notes: tuple[str, ...]) -> Graph:
        operators = [operator for node in self._graph.node for operator in self._operators(node)]
        weights = {name: name for name in self._stored}
        inputs = tuple(
            self._shapes[given.name]
            for given in self._graph.input
            if given.name not in weights and given.name in self._shapes
        )
        return Graph(
            tuple(operators),
            weights,
            lambda name: self._stored[name](),
            frozenset(weights),
            notes,
            inputs,
            frozenset(result.name for result in self._graph.output),
        )

    def _tensor(self, tensor: Any) -> torch.Tensor:
        array = self._onnx.numpy_helper.to_array(tensor)
        return torch.from_numpy(array.astype("float32") if array.dtype.kind not in "fiub" else array.copy())

    def _value(self, node: Any, name: str) -> Value:
        if name not in self._shapes:
            raise InputError(
                f"model {self._path}: operator {node.op_type} ({node.name or name}): the size of {name} "
                "depends on data; export the model with fixed sizes"
            )
        return Value(name, self._shapes[name])

    def _operators(self, node: Any) -> list[Operator]:
        kind = node.op_type
        if kind in _CONTROL:
            raise InputError(
                f"model {self._path}: operator {kind} ({node.name}): control flow that depends on data "
                "has no one cost; export the branch that is to be priced"
            )
        attributes = {item.name: self._onnx.helper.get_attribute_value(item) for item in node.attribute}
        if kind in ("Constant", "ConstantOfShape"):
            self._store(node, attributes)
            return []
        inputs: list[Argument] = [self._value(node, name) for name in node.input if name]
        results = tuple(self._value(node, name) for name in node.output if name and name in self._shapes)
        if not results:
            self._value(node, node.output[0])
        target, args, reason = self._translate(node, attributes, inputs, results)
        return [Operator(target, args, results, _module(node), reason)]

    def _store(self, node: Any, attributes: Mapping[str, Any]) -> None:
        """A constant is a weight; one of a single value is made when it is asked for."""
        name = node.output[0]
        value = attributes.get("value")
        if node.op_type == "ConstantOfShape":
            shape = self._value(node, name).shape
            fill = float(self._onnx.numpy_helper.to_array(value).reshape(-1)[0]) if value is not None else 0.0
            self._stored[name] = partial(torch.full, shape, fill)
        elif value is not None:
            self._stored[name] = partial(self._tensor, value)
            self._shapes[name] = tuple(value.dims)
        else:
            self._shapes.setdefault(name, ())

    def _translate(
        self, node: Any, attributes: Mapping[str, Any], inputs: list[Argument], results: tuple[Value, ...]
    ) -> tuple[str, dict[str, Argument], str]:
        kind = node.op_type
        if kind in ("Conv", "ConvTranspose"):
            return _convolution(kind, attributes, inputs, results[0])
        if kind == "MatMul":
            return "aten.matmul.default", {"self": inputs[0], "other": inputs[1]}, ""
        if kind == "Gemm" and not attributes.get("transA"):
            bias: dict[str, Argument] = dict(zip(("bias",), inputs[2:], strict=False))
            if attributes.get("transB"):
                return "aten.linear.default", {"input": inputs[0], "weight": inputs[1]} | bias, ""
            return "aten.mm.default", {"self": inputs[0], "mat2": inputs[1]} | bias, ""
        if kind == "Einsum":
            return "aten.einsum.default", {"equation": attributes["equation"].decode(), "tensors": inputs}, ""
        if kind == "Transpose":
            value = inputs[0]
            rank = len(value.shape) if isinstance(value, Value) else 0
            order: list[Argument] = list(attributes.get("perm", range(rank)[::-1]))
            return "aten.permute.default", {"self": value, "dims": order}, ""
        if kind == "Reshape":
            return "aten.view.default", {"self": inputs[0], "size": list(results[0].shape)}, ""
        if kind == "GlobalAveragePool":
            return "aten.adaptive_avg_pool2d.onnx", {"self": inputs[0], "output_size": 1}, ""
        args = dict(zip(_operand_names(kind), inputs, strict=False))
        if kind in _POOLS:
            return f"aten.{_POOLS[kind]}.onnx", args | _pool_options(attributes), ""
        if kind in _SAME:
            options = {name: attributes[name] for name in ("min", "max") if name in attributes}
            if kind == "BatchNormalization":
                options["eps"] = attributes.get("epsilon", 1e-5)
            return f"aten.{_SAME[kind]}.onnx", args | options, ""
        return f"onnx.{kind}", args, _LEFT.get(kind, "its first operand is transposed" if kind == "Gemm" else "")


def _convolution(
    kind: str, attributes: Mapping[str, Any], inputs: list[Argument], result: Value
) -> tuple[str, dict[str, Argument], str]:
    source, weight = inputs[0], inputs[1]
    assert isinstance(source, Value)
    assert isinstance(weight, Value)
    spatial = len(weight.shape) - 2
    strides = list(attributes.get("strides", [1] * spatial))
    dilations = list(attributes.get("dilations", [1] * spatial))
    pads = list(attributes.get("pads", [0] * 2 * spatial))
    automatic = attributes.get("auto_pad", b"NOTSET").decode()
    if automatic.startswith("SAME") and kind == "Conv":
        sizes = zip(source.shape[2:], result.shape[2:], weight.shape[2:], strides, dilations, strict=True)
        total = [
            max(0, (out - 1) * step + dilation * (taps - 1) + 1 - size) for size, out, taps, step, dilation in sizes
        ]
        less, more = [pad // 2 for pad in total], [pad - pad // 2 for pad in total]
        pads = less + more if automatic == "SAME_UPPER" else more + less
    args: dict[str, Argument] = {
        "input": source,
        "weight": weight,
        "stride": strides,
        "dilation": dilations,
        "padding": pads,
        "groups": attributes.get("group", 1),
    }
    if len(inputs) > 2:
        args["bias"] = inputs[2]
    reason = "automatic padding of a transposed convolution" if automatic.startswith("SAME") and kind != "Conv" else ""
    return ("aten.convolution.onnx" if kind == "Conv" else "aten.conv_transpose2d.onnx"), args, reason


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


def _module(node: Any) -> str:
    """`/layer1/conv1/Conv` is the module `layer1.conv1` in files that PyTorch made."""
    parts = [part for part in str(node.name).split("/") if part]
    if str(node.name).startswith("/") and len(parts) > 1:
        return ".".join(parts[:-1])
    return str(node.name) or str(node.output[0])
