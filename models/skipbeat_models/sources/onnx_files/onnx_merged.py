"""Products of stored tensors that make the weight of a layer of an ONNX file, such as an update of low rank."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

#: Products that may be computed ahead of time.
_MERGED = frozenset({"MatMul", "Gemm", "Einsum"})
#: Layers, by the place of their weight.
_WEIGHTS = {
    **{"MatMul": 1, "Gemm": 1, "Conv": 1, "ConvTranspose": 1, "MatMulInteger": 1, "ConvInteger": 1},
    **{"FusedMatMul": 1, "TransposeMatMul": 1, "DynamicQuantizeMatMul": 1, "LSTM": 1, "GRU": 1, "RNN": 1},
}


def merged_products(nodes: Iterable[Any], stored: Collection[str], computable: Callable[[Any], bool]) -> set[str]:
    """Names of the results of products that follow from stored tensors and make a layer's weight.

    Any other product of stored tensors, such as that of learned queries, runs.

    Args:
        computable: whether a node whose operands are stored is computed ahead of time.
    """
    known, listed = set(stored), list(nodes)
    for node in listed:
        given = [name for name in node.input if name]
        if given and known.issuperset(given) and (node.op_type in _MERGED or computable(node)):
            known.update(node.output)
    wanted, found = set[str](), set[str]()
    for node in reversed(listed):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            found.update(node.output if node.op_type in _MERGED and known.issuperset(node.output) else ())
        elif node.op_type in _WEIGHTS and len(node.input) > _WEIGHTS[node.op_type]:
            place = _WEIGHTS[node.op_type]
            wanted.update(name for name in node.input[place:] if name in known)
    return found
