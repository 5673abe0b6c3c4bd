"""The operators of an exported program as plain data."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import fx
from torch._subclasses.fake_tensor import FakeTensor
from torch.export import ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.sparse import SparseSemiStructuredTensor, SparseSemiStructuredTensorCUTLASS
from torch.sparse import _semi_structured_conversions as conversions

from skipbeat_arch.errors import InputError

from ..graphs.graph import Argument, Graph, Operator, Value, names_of
from ..graphs.operators import ATTENTION
from ..layers.block_masks import mask_arguments

#: Higher-order operators that only run a part of the graph under a switch.
TRANSPARENT = frozenset({"wrap_with_set_grad_enabled", "wrap_with_autocast"})
#: What to do about sizes or branches that no example input decides.
DATA = (
    "a size of its tensors, or a branch, depends on the data (rows that are selected, lengths that are predicted); way "
    "round: give the parts before and after as modules of their own, with inputs of the sizes to be priced"
)
#: One that is priced as attention, with the blocks that its mask keeps.
FLEX = "flex_attention"
#: Its name as an operator.
FLEXIBLE = f"aten.{ATTENTION}.flex"
#: One that calls another operator behind a token, which keeps calls with an effect (the check of a solution) in order.
EFFECTS = "with_effects"


def graph_of(program: ExportedProgram) -> Graph:
    """The operators of an exported program.

    Raises:
        InputError: control flow on data, or a size that is not known.
    """
    signature = program.graph_signature
    weights = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    stored: dict[str, torch.Tensor] = {**program.state_dict}
    for name, constant in program.constants.items():
        if isinstance(constant, torch.Tensor):
            stored.setdefault(name, constant)
    walk = _Walk(program.graph_module)
    returned = walk.run(program.graph_module, {})
    return Graph(
        tuple(walk.operators),
        weights,
        lambda name: _plain(name, stored[name]),
        frozenset(stored),
        outputs=names_of(returned),
    )


def _plain(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """A tensor as everyone else has it: one without memory lies on the meta device, a semi-structured one is dense."""
    if isinstance(tensor, FakeTensor):
        return torch.empty(_shape(tensor), dtype=tensor.dtype, device="meta")
    if not isinstance(tensor, SparseSemiStructuredTensor):
        return tensor
    values, places, form = tensor.packed, tensor.meta, type(tensor).__name__
    if not isinstance(tensor, SparseSemiStructuredTensorCUTLASS) or values is None or places is None:
        raise InputError(f"weight {name}: packed as {form}, which only a GPU unpacks; save its to_dense()")
    unpacked: Callable[..., torch.Tensor] = conversions.sparse_semi_structured_to_dense_cutlass
    return unpacked(values.cpu(), places.cpu())


class _Walk:
    """Reads the nodes of an fx graph, and of the parts that it only runs under a switch."""

    def __init__(self, root: fx.GraphModule) -> None:
        self.operators: list[Operator] = []
        self._prefix = ""
        self._inlined = 0

    def run(self, module: fx.GraphModule, given: Mapping[str, Argument]) -> Argument:
        prefix = self._prefix
        known: dict[fx.Node, Argument] = {}
        inputs = iter(given.values())
        for node in module.graph.nodes:
            if node.op == "placeholder":
                known[node] = next(inputs) if given else self._value(node, prefix)
            elif node.op == "call_function":
                known[node] = self._call(module, node, known, prefix)
            elif node.op == "output":
                return _argument(node.args[0], known)
        return None

    def _call(self, module: fx.GraphModule, node: fx.Node, known: dict[fx.Node, Argument], prefix: str) -> Argument:
        if node.target is operator.getitem:
            source, index = _argument(node.args[0], known), node.args[1]
            if not isinstance(source, list) or not isinstance(index, int):
                raise InputError(f"operator {node.name}: expected one of several results")
            return source[index]
        if isinstance(node.target, torch._ops.HigherOrderOperator):
            return self._inline(module, node, known)
        if not isinstance(node.target, torch._ops.OpOverload):
            return self._value(node, prefix)  # arithmetic on sizes, and the begin and end of a vmap
        result = self._value(node, prefix)
        self._add(node, node.target, node.args, result, known)
        return result

    def _add(
        self,
        node: fx.Node,
        target: torch._ops.OpOverload,
        given: Sequence[object],
        result: Argument,
        known: Mapping[fx.Node, Argument],
    ) -> None:
        schema = [argument.name for argument in target._schema.arguments]
        args = {name: _argument(value, known) for name, value in zip(schema, given, strict=False)}
        args |= {name: _argument(value, known) for name, value in node.kwargs.items()}
        results = tuple(item for item in (result if isinstance(result, list) else [result]) if isinstance(item, Value))
        self.operators.append(Operator(str(target), args, results, _module(node)))

    def _inline(self, module: fx.GraphModule, node: fx.Node, known: dict[fx.Node, Argument]) -> Argument:
        name = str(node.target)
        if name == FLEX:
            found = self._value(node, self._prefix)
            query, key, value = (_argument(item, known) for item in node.args[:3])
            out = tuple(item for item in (found if isinstance(found, list) else []) if isinstance(item, Value))
            args = {"query": query, "key": key, "value": value, **mask_arguments(_argument(node.args[4], known))}
            self.operators.append(Operator(FLEXIBLE, args, out, _module(node)))
            return found
        if is_indexing(node):
            result = self._value(node, self._prefix)
            given = {f"input{i}": _argument(item, known) for i, item in enumerate(node.args)}
            results = (result,) if isinstance(result, Value) else ()
            self.operators.append(Operator("aten.index.flat_apply", given, results, _module(node)))
            return result
        if name == EFFECTS and isinstance(node.args[1], torch._ops.OpOverload):
            found = self._value(node, self._prefix)
            self._add(node, node.args[1], node.args[2:], found[1:] if isinstance(found, list) else None, known)
            return found
        parts = [item for item in node.args if isinstance(item, fx.Node) and item.op == "get_attr"]
        if name not in TRANSPARENT or len(parts) != 1:
            raise InputError(
                f"operator {name} ({node.name}): control flow that depends on data has no one cost; "
                "export the branch that is to be priced"
            )
        inner = getattr(module, str(parts[0].target))
        operands = node.args[node.args.index(parts[0]) + 1 :]
        outer, self._inlined = self._prefix, self._inlined + 1
        self._prefix = f"{node.name}{self._inlined}."
        result = self.run(inner, {str(i): _argument(item, known) for i, item in enumerate(operands)})
        self._prefix = outer
        return result

    def _value(self, node: fx.Node, prefix: str) -> Argument:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            return Value(prefix + node.name, _shape(value), value.dtype)
        if isinstance(value, list | tuple):
            return [
                Value(f"{prefix}{node.name}.{i}", _shape(item), item.dtype) if isinstance(item, torch.Tensor) else None
                for i, item in enumerate(value)
            ]
        return _number(value)


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    return tuple(_size(size) for size in tensor.shape)


def _size(size: int | torch.SymInt) -> int:
    try:
        return int(size)
    except GuardOnDataDependentSymNode:
        raise InputError(DATA) from None


def _number(value: object) -> Argument:
    if isinstance(value, torch.SymInt):
        return _size(value)
    return value if isinstance(value, bool | int | float | str | torch.dtype) else None


def _argument(argument: object, known: Mapping[fx.Node, Argument]) -> Argument:
    if isinstance(argument, fx.Node):
        return known.get(argument)
    if isinstance(argument, list | tuple):
        return [_argument(item, known) for item in argument]
    return _number(argument)


def _module(node: fx.Node) -> str:
    stack = node.meta.get("nn_module_stack")
    if not stack:
        return ""
    name: str = list(stack.values())[-1][0]
    return name.removeprefix("L['self'].").removeprefix("L['self']")


def is_indexing(node: fx.Node) -> bool:
    """Whether it is how export writes the indexing of a tensor under vmap (attention masks of Hugging Face)."""
    return str(node.target) == "flat_apply" and any("mod_index" in str(item) for item in node.args)
