"""A module's operators, by torch.export (Ansel et al., "PyTorch 2", ASPLOS 2024)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from typing import cast

import torch

# What export needs beyond `import torch`: loaded here, so that it counts as import and not as work.
import torch._dynamo
import torch._functorch.aot_autograd
import torch.export._trace
from torch import fx, nn
from torch.export import ExportedProgram

from skipbeat_arch.errors import InputError

from ...alone import without_warnings
from ..graphs.folding import MULTIPLYING
from ..graphs.graph import Graph
from ..graphs.operators import ATTENTION, KEPT_WHOLE, known
from ..graphs.products import simple_equation
from .evaluation import evaluation
from .fakes import is_meta, on_fake_cpu
from .program_graph import DATA, FLEX, TRANSPARENT, graph_of, is_indexing

#: What reads the tensors that a weight of a type of its own has (torchao's); decomposing makes them plain weights.
_PARTS_OF_WEIGHTS = "export::access_subclass_inner_tensor"


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
        with quiet(), torch.no_grad(), evaluation(model):
            given = on_fake_cpu(model, inputs, kwargs) if is_meta(model) else (model, inputs, kwargs)
            program = torch.export.export(given[0], tuple(given[1]), dict(given[2]), strict=False)
            asked = _overwrites_weights(program) or _maps_products(program)
            if asked or not all(_is_known(node) for node in program.graph.nodes):
                program = program.run_decompositions(_decompositions())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the model's own code raises, and torch's many kinds
        raise InputError(_reason(model, error)) from error
    return program


def _is_known(node: fx.Node) -> bool:
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        higher = isinstance(node.target, torch._ops.HigherOrderOperator)
        return not higher or str(node.target) in {*TRANSPARENT, FLEX} or is_indexing(node)
    schema = node.target._schema
    if schema.name == _PARTS_OF_WEIGHTS:
        return False
    full_name = schema.name + (f".{schema.overload_name}" if schema.overload_name else "")
    if not torch._C._dispatch_has_kernel_for_dispatch_key(full_name, "CompositeImplicitAutograd"):
        return True
    return known(str(node.target)) and (schema.name != "aten::einsum" or _is_simple(node))


def _is_simple(node: fx.Node) -> bool:
    """Whether an Einstein sum is priced as it is written."""
    tensors = node.args[1]
    given = [item.meta["val"] for item in tensors if isinstance(item, fx.Node)] if isinstance(tensors, list) else []
    return simple_equation(str(node.args[0]), [value.dim() for value in given]) is not None


def _maps_products(program: ExportedProgram) -> bool:
    """Whether a product stands under a vmap, where its operands have an axis less."""
    depth = 0
    for node in program.graph.nodes:
        name = getattr(node.target, "__name__", "")
        depth += (name == "_vmap_increment_nesting") - (name == "_vmap_decrement_nesting")
        base = str(node.target).removeprefix("aten.").split(".")[0]
        if depth and (base in MULTIPLYING or base in (ATTENTION, "bilinear")):
            return True
    return False


def _overwrites_weights(program: ExportedProgram) -> bool:
    """Whether a tensor that follows from the weights is changed in place: perhaps through a view of it."""
    inputs = {*program.graph_signature.user_inputs}
    stored: set[fx.Node] = set()
    for node in program.graph.nodes:
        follows = bool(node.all_input_nodes) and all(each in stored for each in node.all_input_nodes)
        if (node.op == "placeholder" and node.name not in inputs) or follows:
            stored.add(node)
        mutable = isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable
        mutable = mutable and node.target is not torch.ops.aten.detach_.default  # no number changes
        if mutable and (follows or node.args[0] in stored):  # caches of keys and values too
            return True
    return False


def _decompositions() -> dict[torch._ops.OperatorBase, Callable[..., object]]:
    """torch's decompositions without those of operators that are priced whole."""
    table = cast("dict[torch._ops.OperatorBase, Callable[..., object]]", torch.export.default_decompositions())
    for name in KEPT_WHOLE:
        table.pop(getattr(torch.ops.aten, name).default, None)
    return table


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


def _reason(model: nn.Module, error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if "data-dependent" in text:
        return f"model {type(model).__name__} does not export: {DATA}"
    return (
        f"model {type(model).__name__} does not export: {text[:300]}; way round: "
        "make the forward free of branches on data, or give the part that does the work (a submodule)"
    )
