"""The operators of an `.onnx` file (the extra `onnx`), under the names that PyTorch has for them.

Sizes come from ONNX's own shape inference; a batch that the file leaves open counts as 1, other sizes must be stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.extras import require_packages
from skipbeat_arch.files import regular_file

from ..graphs.graph import Argument, Graph, Operator, Value
from .onnx_merged import merged_products
from .onnx_model import NOT_COMPUTED, OnnxModel, Shape, computed
from .onnx_stored import OnnxStored
from .onnx_translation import translate
from .onnx_whole import several

#: Number formats of masks and counts, by ONNX's numbers for them.
_COUNTS = {6: torch.int32, 7: torch.int64, 9: torch.bool}
_CONTROL = frozenset({"If", "Loop", "Scan"})


def load_onnx(path: Path, sizes: Mapping[str, Shape] | None = None) -> Graph:
    """The operators of an ONNX model with its weights; tensors outside of it must lie in its folder.

    Args:
        sizes: of inputs, by name.

    Raises:
        InputError: the onnx package is missing, the file is not of ONNX, or its sizes cannot be found.
    """
    require_packages(f"to read {path}", "onnx")
    onnx = import_module("onnx")
    for part in ("shape_inference", "inliner", "reference"):
        import_module(f"onnx.{part}")
    check_error = import_module("onnx.checker").ValidationError
    decode_error = import_module("google.protobuf.message").DecodeError
    known = (OSError, ValueError, RuntimeError, TypeError, KeyError, IndexError, decode_error, check_error)
    try:
        model = onnx.load(str(regular_file(path, f"model {path}")))
        if reason := _wrong(model):
            raise InputError(f"model {path}: cannot be read as .onnx: {reason}")
        return _Reader(path, onnx, OnnxModel(onnx, model, f"model {path}", sizes or {})).read()
    except InputError:
        raise
    except (*known, onnx.shape_inference.InferenceError) as error:
        raise InputError(f"model {path}: cannot be read as .onnx: {described(error)}") from None


def _wrong(model: Any) -> str | None:
    """What no reading finds out: that there is nothing, or that a name or a number means nothing."""
    graph = model.graph
    if not graph.node:
        return "it has no operators"
    if wrong := [f"{item.domain or 'ai.onnx'} {item.version}" for item in model.opset_import if item.version < 1]:
        return f"operators of version {wrong[0]}, expected at least 1"
    made = [*(tensor.name for tensor in graph.initializer), *(name for node in graph.node for name in node.output)]
    for names in (filter(None, made), [value.name for value in graph.output]):
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            return f"two values are called {twice[0]}"
    return None


class _Reader:
    def __init__(self, path: Path, onnx: Any, found: OnnxModel) -> None:
        self._path, self._onnx, self._graph, self._found = path, onnx, found.model.graph, found
        self._stored = OnnxStored(found.shapes)
        self._shapes = found.shapes
        for tensor in self._graph.initializer:
            self._stored.readers[tensor.name] = partial(self._tensor, tensor)
        constants = {node.output[0] for node in self._graph.node if node.op_type == "Constant"}
        stored = constants | self._stored.readers.keys()
        self._merged = merged_products(self._graph.node, stored, self._is_computable)

    def read(self) -> Graph:
        operators = [operator for node in self._graph.node for operator in self._operators(node)]
        weights = {name: name for name in self._stored.readers}
        given = [item.name for item in self._graph.input if item.name not in weights]
        opened = ", ".join(self._found.opened)
        return Graph(
            tuple(operators),
            weights,
            lambda name: self._stored.readers[name](),
            frozenset(weights),
            (f"sizes that the file leaves open ({opened}) count as 1",) if opened else (),
            tuple(self._shapes[name] for name in given if name in self._shapes),
            frozenset(result.name for result in self._graph.output),
        )

    def _tensor(self, tensor: Any) -> torch.Tensor:
        return _torch(self._onnx.numpy_helper.to_array(tensor))

    def _value(self, node: Any, name: str) -> Value:
        if name not in self._shapes:
            where = f" of {node.domain}" if node.domain not in ("", "ai.onnx") else ""
            raise InputError(
                f"model {self._path}: operator {node.op_type}{where} ({node.name or name}): the size of {name} "
                "depends on data, or its operator is not known; export the model with fixed sizes"
            )
        return Value(name, self._shapes[name], _COUNTS.get(self._found.kinds.get(name, 0)))

    def _operators(self, node: Any) -> list[Operator]:
        kind = node.op_type
        if kind in _CONTROL:
            raise InputError(
                f"model {self._path}: operator {kind} ({node.name}): control flow that depends on data "
                "has no one cost; export the branch that is to be priced"
            )
        options = {item.name: self._onnx.helper.get_attribute_value(item) for item in node.attribute}
        if kind in ("Constant", "ConstantOfShape"):
            self._store(node, options)
            return []
        if self._computes(node):
            return []
        inputs: list[Argument] = [self._value(node, name) if name else None for name in node.input]
        results = tuple(self._value(node, name) for name in node.output if name and name in self._shapes)
        if not results:
            self._value(node, next(filter(None, node.output)))
        if found := several(node, options, inputs, results, self._stored):
            return found
        target, args, reason = translate(node, options, inputs, results, self._stored)
        return [Operator(target, args, results, _module(node), reason)]

    def _computes(self, node: Any) -> bool:
        """Whether an operator's result follows from stored tensors; it is computed when it is asked for."""
        names = [name for name in node.input if name]
        known = all(name in self._stored.readers for name in names) and bool(names)
        if not known or not (self._is_computable(node) or self._merged.intersection(node.output)):
            return False
        for index, name in enumerate(node.output):
            if name:
                self._stored.add(name, self._shapes[name], partial(self._compute, node, index))
        return True

    def _is_computable(self, node: Any) -> bool:
        own = node.op_type not in NOT_COMPUTED and node.domain in ("", "ai.onnx")
        return own and all(not name or name in self._shapes for name in node.output)

    def _compute(self, node: Any, index: int) -> torch.Tensor:
        given = {name: self._stored.readers[name]().numpy() for name in node.input if name}
        found = computed(self._onnx, node, given, self._found.version)
        if found is None:
            what = f"operator {node.op_type} ({node.name or node.output[0]})"
            raise InputError(f"model {self._path}: {what} of stored tensors cannot be computed")
        return _torch(found[sum(bool(name) for name in node.output[:index])])

    def _store(self, node: Any, options: Mapping[str, Any]) -> None:
        """A constant is a weight; one of a single value is made when it is asked for."""
        name = node.output[0]
        value = options.get("value")
        if node.op_type == "ConstantOfShape":
            shape = self._value(node, name).shape
            fill = float(self._onnx.numpy_helper.to_array(value).reshape(-1)[0]) if value is not None else 0.0
            self._stored.readers[name] = partial(torch.full, shape, fill)
        elif value is not None:
            self._stored.add(name, tuple(value.dims), partial(self._tensor, value))
        else:
            self._shapes.setdefault(name, ())


def _torch(array: Any) -> torch.Tensor:
    return torch.from_numpy(array.astype("float32") if array.dtype.kind not in "fiub" else array.copy())


def _module(node: Any) -> str:
    """`/layer1/conv1/Conv` is the module `layer1.conv1` in files that PyTorch made."""
    parts = [part for part in str(node.name).split("/") if part]
    if str(node.name).startswith("/") and len(parts) > 1:
        return ".".join(parts[:-1])
    return str(node.name) or str(node.output[0])
