"""A module's operators, by torch.export (Ansel et al., "PyTorch 2", ASPLOS 2024)."""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from typing import Any, cast

import torch

# What export needs beyond `import torch`: loaded here, so that it counts as import and not as work.
import torch._dynamo
import torch._functorch.aot_autograd
import torch.export._trace
from torch import fx, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.export import ExportedProgram

from skipbeat_arch.errors import InputError

from ..alone import without_warnings
from .fakes import is_meta, on_fake_cpu
from .graph import Argument, Graph, Operator, Value, names_of
from .operators import KEPT_WHOLE, known
from .products import simple_equation

#: Higher-order operators that only run a part of the graph under a switch.
_TRANSPARENT = frozenset({"wrap_with_set_grad_enabled", "wrap_with_autocast"})


def export_module(model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object]) -> Graph:
    """The operators of a module in evaluation mode for inputs of these shapes.

    Raises:
        InputError: as for `export_program`, or control flow on data.
    """
    return graph_of(export_program(model, inputs, kwargs))


def export_program(model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object]) -> ExportedProgram:
    """A module in evaluation mode, exported for inputs of these shapes.

    Composite operators that are not known are decomposed. The module is left as it was. One thread exports at a time.

    Raises:
        InputError: the module does not export; the message has export's reason and the way round.
    """
    try:
        with quiet(), torch.no_grad(), _evaluation(model):
            given = on_fake_cpu(model, inputs, kwargs) if is_meta(model) else (model, inputs, kwargs)
            program = torch.export.export(given[0], tuple(given[1]), dict(given[2]), strict=False)
            if not all(_is_known(node) for node in program.graph.nodes) or _overwrites_weights(program):
                program = program.run_decompositions(_decompositions())
    except Exception as error:  # whatever the model's own code raises, and torch's many kinds
        raise InputError(_reason(model, error)) from error
    return program


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
        lambda name: _without_fake(stored[name]),
        frozenset(stored),
        outputs=names_of(returned),
    )


def _without_fake(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor without memory is a meta tensor to everyone else."""
    return torch.empty(_shape(tensor), dtype=tensor.dtype, device="meta") if isinstance(tensor, FakeTensor) else tensor


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
        schema = [argument.name for argument in node.target._schema.arguments]
        args = {name: _argument(value, known) for name, value in zip(schema, node.args, strict=False)}
        args |= {name: _argument(value, known) for name, value in node.kwargs.items()}
        result = self._value(node, prefix)
        results = tuple(item for item in (result if isinstance(result, list) else [result]) if isinstance(item, Value))
        self.operators.append(Operator(str(node.target), args, results, _module(node)))
        return result

    def _inline(self, module: fx.GraphModule, node: fx.Node, known: dict[fx.Node, Argument]) -> Argument:
        name = str(node.target)
        if _is_indexing(node):
            result = self._value(node, self._prefix)
            given = {f"input{i}": _argument(item, known) for i, item in enumerate(node.args)}
            results = (result,) if isinstance(result, Value) else ()
            self.operators.append(Operator("aten.index.flat_apply", given, results, _module(node)))
            return result
        parts = [item for item in node.args if isinstance(item, fx.Node) and item.op == "get_attr"]
        if name not in _TRANSPARENT or len(parts) != 1:
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
    return tuple(int(size) for size in tensor.shape)


def _number(value: object) -> Argument:
    if isinstance(value, torch.SymInt):
        return int(value)
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


def _is_indexing(node: fx.Node) -> bool:
    """Whether it is how export writes the indexing of a tensor under vmap (attention masks of Hugging Face)."""
    return str(node.target) == "flat_apply" and any("mod_index" in str(item) for item in node.args)


def _is_known(node: fx.Node) -> bool:
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        higher = isinstance(node.target, torch._ops.HigherOrderOperator)
        return not higher or str(node.target) in _TRANSPARENT or _is_indexing(node)
    schema = node.target._schema
    full_name = schema.name + (f".{schema.overload_name}" if schema.overload_name else "")
    if not torch._C._dispatch_has_kernel_for_dispatch_key(full_name, "CompositeImplicitAutograd"):
        return True
    return known(str(node.target)) and (schema.name != "aten::einsum" or simple_equation(str(node.args[0])) is not None)


def _overwrites_weights(program: ExportedProgram) -> bool:
    """Whether a tensor that follows from the weights is changed in place: perhaps through a view of it."""
    inputs = {*program.graph_signature.user_inputs}
    stored: set[fx.Node] = set()
    for node in program.graph.nodes:
        follows = bool(node.all_input_nodes) and all(each in stored for each in node.all_input_nodes)
        if (node.op == "placeholder" and node.name not in inputs) or follows:
            stored.add(node)
        if follows and isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable:
            return True
    return False


def _decompositions() -> dict[torch._ops.OperatorBase, Callable[..., object]]:
    """torch's decompositions without those of operators that are priced whole."""
    table = cast("dict[torch._ops.OperatorBase, Callable[..., object]]", torch.export.default_decompositions())
    for name in KEPT_WHOLE:
        table.pop(getattr(torch.ops.aten, name).default, None)
    return table


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, and no cache of keys and values where a configuration asks for one (Hugging Face)."""
    training = {module: module.training for module in model.modules()}
    config: Any = getattr(model, "config", None)
    cached = getattr(config, "use_cache", None)
    try:
        model.eval()
        if cached is not None:
            config.use_cache = False
        yield
    finally:
        for module, was in training.items():
            module.training = was
        if cached is not None:
            config.use_cache = cached


@contextmanager
def quiet() -> Iterator[None]:
    """Export warns about its own deprecations and about hooks that assign masked weights: no news to a user.

    When it fails it prints the graph and logs a traceback, where the reason alone belongs.
    """
    with without_warnings(), redirect_stderr(StringIO()):
        level = logging.getLogger("torch").level
        logging.getLogger("torch").setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logging.getLogger("torch").setLevel(level)


def _reason(model: nn.Module, error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return (
        f"model {type(model).__name__} does not export: {text[:300]}; way round: "
        "make the forward free of branches on data, or give the part that does the work (a submodule)"
    )
