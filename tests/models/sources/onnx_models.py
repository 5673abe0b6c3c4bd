"""ONNX files for tests: a graph of given nodes and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
MATMUL = node("MatMul", ["x", "d"], ["y"])


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
