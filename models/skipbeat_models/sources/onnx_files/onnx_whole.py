"""Operators that are several of PyTorch's: attention with its weight, mixtures of experts, sums of many tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import torch

from ..graphs.graph import Argument, Operator, Value
from .onnx_stored import OnnxStored
from .onnx_translation import translate

#: Places of an attention's weight, its scale and its zero.
_ATTENTIONS = {"Attention": (1, None, None), "QAttention": (1, 4, 7)}
#: Places of the weights of a mixture: into the experts (with the gate), and out of them.
_EXPERTS = (2, 6, 4)


def several(
    node: Any, options: Mapping[str, Any], inputs: Sequence[Argument], results: tuple[Value, ...], stored: OnnxStored
) -> list[Operator]:
    """The operators that a node is; none: it is one."""
    if node.op_type == "Einsum" and node.domain in ("", "ai.onnx"):
        return _sums(node, options, inputs, results)
    if node.domain != "com.microsoft":
        return []
    if node.op_type in _ATTENTIONS:
        return _attention(node, options, inputs, results, stored)
    return _experts(node, options, inputs, results, stored) if node.op_type == "MoE" else []


def _sums(
    node: Any, options: Mapping[str, Any], inputs: Sequence[Argument], results: tuple[Value, ...]
) -> list[Operator]:
    """An Einstein sum of three tensors or more as those of two, from left to right, as PyTorch computes it."""
    given, arrow, out = options["equation"].decode().replace(" ", "").partition("->")
    term, *others = given.split(",")
    values = [value for value in inputs if isinstance(value, Value)]
    if len(others) < 2 or len(values) != len(others) + 1 or not arrow or "." in given:
        return []
    sizes = dict(
        pair
        for terms, value in zip([term, *others], values, strict=True)
        for pair in zip(terms, value.shape, strict=False)
    )
    module, left, found = str(node.name) or str(node.output[0]), values[0], list[Operator]()
    for number, (other, right) in enumerate(zip(others, values[1:], strict=True), 1):
        needed = {*out, *"".join(others[number:])}
        kept = out if number == len(others) else "".join(sorted({*term, *other} & needed))
        made = (
            results[0]
            if number == len(others)
            else Value(f"{node.output[0]} {number}", tuple(sizes[letter] for letter in kept))
        )
        args: dict[str, Argument] = {"equation": f"{term},{other}->{kept}", "tensors": [left, right]}
        found.append(Operator("aten.einsum.default", args, (made,), module))
        term, left = kept, made
    return found


def _attention(
    node: Any, options: Mapping[str, Any], inputs: Sequence[Argument], results: tuple[Value, ...], stored: OnnxStored
) -> list[Operator]:
    place, *numbers = _ATTENTIONS[node.op_type]
    source, weight = inputs[0], inputs[place]
    assert isinstance(source, Value)
    assert isinstance(weight, Value)
    scale, zero = (None if at is None or at >= len(inputs) else inputs[at] for at in numbers)
    if scale is not None or zero is not None:
        weight = stored.less_zero(weight, scale, zero, -1)
    middle = Value(f"{node.output[0]} before", (*source.shape[:-1], weight.shape[1]))
    module = str(node.name) or str(node.output[0])
    product = Operator("aten.matmul.default", {"self": source, "other": weight}, (middle,), module)
    attention = type(node)()
    attention.CopyFrom(node)
    attention.op_type = "Attention"
    target, args, reason = translate(attention, options, [middle], results, stored)
    return [product, Operator(target, args, results, module, reason)]


def _experts(
    node: Any, options: Mapping[str, Any], inputs: Sequence[Argument], results: tuple[Value, ...], stored: OnnxStored
) -> list[Operator]:
    """Each row meets `k` experts, whose results are summed up; weights are [E, K, C], in older files [E, C, K]."""
    source, first = inputs[0], inputs[_EXPERTS[0]]
    assert isinstance(source, Value)
    assert isinstance(first, Value)
    rows, module = prod(source.shape[:-1]) * options.get("k", 1), str(node.name) or str(node.output[0])
    turned = first.shape[-1] == source.shape[-1]
    found: list[Operator] = []
    for place in _EXPERTS:
        weight = inputs[place] if place < len(inputs) else None
        if weight is None:
            continue
        if not isinstance(weight, Value) or not stored.has(weight) or len(weight.shape) != 3:
            return []
        experts, *sizes = weight.shape
        c, k = sizes[::-1] if turned else sizes
        read = partial(stored.read, weight)
        plain = weight if not turned else stored.add(f"{weight.name} turned", (experts, c, k), partial(_turned, read))
        given, made = (Value(f"{node.output[0]} {way} {place}", (rows, size)) for way, size in (("to", c), ("of", k)))
        found.append(Operator("aten._grouped_mm.onnx", {"self": given, "mat2": plain}, (made,), module))
    last = found[-1].results[0]
    return [*found, Operator("aten.index_add.onnx", {"self": source, "source": last}, results, module)]


def _turned(read: Callable[[], torch.Tensor]) -> torch.Tensor:
    return read().transpose(1, 2)
