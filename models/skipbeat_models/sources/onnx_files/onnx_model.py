"""An ONNX model made plain before it is read: local functions inlined, sizes stated and found, constant branches taken.

Sizes come from ONNX's own shape inference; what it does not follow (shapes that are computed, operators of onnxruntime)
is computed here and given to it, until nothing more is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np

from skipbeat_arch.arrays import Array
from skipbeat_arch.errors import InputError

from .onnx_contrib import output_shape, plain_node

Shape = tuple[int, ...]

#: Constants of so many elements are followed when sizes are computed.
_SMALL = 4096
#: So often sizes are searched again with what was found.
_ROUNDS = 64
#: Operators that are computed on constants: all of ONNX but these.
NOT_COMPUTED = frozenset(
    {"If", "Loop", "Scan", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli"}
    | {"Multinomial", "Dropout", "MatMul", "Gemm", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "Einsum", "Attention"}
    | {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DeformConv", "SequenceMap", "LinearAttention"}
    | {"CausalConvWithState", "FlexAttention"}
)
#: Of these ONNX's reference has no older versions, which compute the same.
_LATER = {"DequantizeLinear": 21, "QuantizeLinear": 21}


class OnnxModel:
    """A model with the sizes of its values.

    Args:
        onnx: the package.
        sizes: of inputs, by name.

    Attributes:
        shapes, kinds: of values, as far as they are known; kinds are ONNX's numbers of number formats.
        opened: names of the sizes that the file leaves open and that count as 1.
    """

    def __init__(self, onnx: Any, model: Any, what: str, sizes: Mapping[str, Shape]) -> None:
        self._onnx, self._what = onnx, what
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
        self.model = model
        graph = model.graph
        for sparse in graph.sparse_initializer:
            graph.initializer.append(_dense(onnx, sparse))
        del graph.sparse_initializer[:]
        for node in graph.node:
            plain_node(node)
        self.opened = self._fix_sizes(sizes)
        self._constants: dict[str, Array] = {}
        for tensor in graph.initializer:
            self._note(tensor.name, tensor)
        self.shapes: dict[str, Shape] = {}
        self.kinds: dict[str, int] = {}
        for _ in range(_ROUNDS):
            self._infer()
            if not self._found_more():
                break

    @property
    def version(self) -> int:
        """Of ONNX's own operators."""
        return next((item.version for item in self.model.opset_import if item.domain in ("", "ai.onnx")), 1)

    def _fix_sizes(self, sizes: Mapping[str, Shape]) -> tuple[str, ...]:
        graph = self.model.graph
        stored = {tensor.name for tensor in graph.initializer}
        inputs = {given.name: given for given in graph.input if given.name not in stored}
        for name in sizes:
            if name not in inputs:
                raise InputError(f"{self._what}: it has no input {name}; expected one of {', '.join(inputs)}")
        opened: list[str] = []
        for name, given in inputs.items():
            dims = given.type.tensor_type.shape.dim
            if name in sizes and len(sizes[name]) != len(dims):
                raise InputError(f"{self._what}: input {name} has {len(dims)} sizes, not {len(sizes[name])}")
            free = [i for i, size in enumerate(dims) if not size.HasField("dim_value") or size.dim_value < 1]
            if name not in sizes and any(i > 0 for i in free):
                raise InputError(
                    f"{self._what}: input {name} leaves sizes open ({_sizes(dims)}); state them, such as "
                    f"--input-size {name}={_example(dims)}"
                )
            for index, size in enumerate(dims):
                if name in sizes:
                    self._check(name, index, size, sizes[name][index])
                    size.dim_value = sizes[name][index]
                elif index in free:
                    opened.append(size.dim_param or f"{name}[{index}]")
                    size.dim_value = 1
        # Sizes of other values were written with the open ones in them.
        del graph.value_info[:]
        for result in graph.output if opened or sizes else ():
            result.type.tensor_type.ClearField("shape")
        return tuple(dict.fromkeys(opened))

    def _check(self, name: str, index: int, size: Any, stated: int) -> None:
        if size.HasField("dim_value") and size.dim_value not in (stated, 0):
            raise InputError(f"{self._what}: input {name} has size {size.dim_value} at place {index}, not {stated}")

    def _infer(self) -> None:
        self.model = self._onnx.shape_inference.infer_shapes(self.model, strict_mode=True, data_prop=True)
        graph = self.model.graph
        self.shapes |= {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        for value in (*graph.input, *graph.value_info, *graph.output):
            kind = value.type.tensor_type
            self.kinds[value.name] = kind.elem_type
            if kind.HasField("shape") and all(size.HasField("dim_value") for size in kind.shape.dim):
                self.shapes[value.name] = tuple(size.dim_value for size in kind.shape.dim)

    def _found_more(self) -> bool:
        """Computes what constants and known sizes tell; whether anything new was found."""
        graph, kept, more = self.model.graph, [], False
        for node in graph.node:
            if node.op_type == "If" and node.input[0] in self._constants:
                branch = "then_branch" if self._constants[node.input[0]].item() else "else_branch"
                kept += self._branch(node, next(item.g for item in node.attribute if item.name == branch))
                more = True
                continue
            kept.append(node)
            if not node.output or node.output[0] in self._constants:
                continue
            self._follow(node)
            known = node.output[0] in self._constants
            shape = None if known or node.output[0] in self.shapes else output_shape(node, self.shapes, self._onnx)
            if shape is not None:
                self.shapes[node.output[0]] = shape
                kind = self._onnx.TensorProto.UINT8 if node.op_type.startswith("Q") else self._onnx.TensorProto.FLOAT
                info = self._onnx.helper.make_tensor_value_info(node.output[0], kind, shape)
                graph.value_info.append(info)
            if known:
                kept[-1] = self._constant(node.output[0])
            more = more or known or shape is not None
        del graph.node[:]
        graph.node.extend(kept)
        unknown = any(name and name not in self.shapes for node in kept for name in node.output)
        return more and (unknown or any(node.op_type == "If" for node in kept))

    def _branch(self, node: Any, branch: Any) -> list[Any]:
        """The operators of a branch, whose results get the names of the operator's."""
        self.model.graph.initializer.extend(branch.initializer)
        for tensor in branch.initializer:
            self._note(tensor.name, tensor)
        same = self._onnx.helper.make_node
        ends = [same("Identity", [a.name], [b]) for a, b in zip(branch.output, node.output, strict=False)]
        return [*branch.node, *ends]

    def _constant(self, name: str) -> Any:
        return self._onnx.helper.make_node(
            "Constant", [], [name], value=self._onnx.numpy_helper.from_array(self._constants[name], name)
        )

    def _follow(self, node: Any) -> None:
        """Notes the result of an operator on small constants, or on sizes that are known."""
        kind, name = node.op_type, node.output[0]
        if kind == "Constant":
            for item in node.attribute:
                if item.name == "value":
                    self._note(name, item.t)
                elif item.name in ("value_int", "value_ints", "value_float", "value_floats"):
                    kind = np.float32 if "float" in item.name else np.int64
                    self._constants[name] = np.array(self._onnx.helper.get_attribute_value(item), kind)
            return
        if kind == "Shape" and node.input[0] in self.shapes:
            ends = {item.name: item.i for item in node.attribute}
            shape = self.shapes[node.input[0]][slice(ends.get("start"), ends.get("end"))]
            self._constants[name] = np.array(shape, np.int64)
        elif node.domain in ("", "ai.onnx") and kind not in NOT_COMPUTED and len(node.output) == 1 and any(node.input):
            given = {each: self._constants[each] for each in node.input if each in self._constants}
            if len(given) < len({each for each in node.input if each}):
                return
            result = computed(self._onnx, node, given, self.version)
            if result is not None and result[0].size <= _SMALL:
                self._constants[name] = result[0]

    def _note(self, name: str, tensor: Any) -> None:
        if np.prod(tensor.dims, dtype=np.int64) <= _SMALL and tensor.data_type != self._onnx.TensorProto.STRING:
            self._constants[name] = self._onnx.numpy_helper.to_array(tensor)


def computed(onnx: Any, node: Any, given: Mapping[str, Array], version: int) -> list[Array] | None:
    """The results of an operator by ONNX's reference; None: it does not compute it."""
    helper = onnx.helper
    version = max(version, _LATER.get(node.op_type, 1))
    kinds = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in given.items()}
    inputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()]
    outputs = [helper.make_tensor_value_info(name, 1, None) for name in node.output if name]
    graph = helper.make_graph([node], "one", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])
    try:
        with np.errstate(all="ignore"):
            found = onnx.reference.ReferenceEvaluator(model).run(None, dict(given))
    except Exception:  # the reference raises what its NumPy code raises; what it cannot compute stays an operator
        return None
    return [np.asarray(array) for array in found]


def _dense(onnx: Any, sparse: Any) -> Any:
    """A tensor of a sparse one; places are counted in the whole tensor, or along each axis."""
    values, places = onnx.numpy_helper.to_array(sparse.values), onnx.numpy_helper.to_array(sparse.indices)
    dense = np.zeros(tuple(sparse.dims), values.dtype)
    if places.ndim == 1:
        dense.reshape(-1)[places] = values
    else:
        dense[tuple(places.T)] = values
    return onnx.numpy_helper.from_array(dense, sparse.values.name)


def _sizes(dims: Any) -> str:
    return " x ".join(size.dim_param or str(size.dim_value or "?") for size in dims)


def _example(dims: Any) -> str:
    usual = iter(islice([1, 3, 224, 224, 224], len(dims)))
    named = [(size.dim_value, next(usual)) for size in dims]
    return "x".join(str(size or example) for size, example in named)
