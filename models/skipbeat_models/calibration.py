"""The largest magnitude of every value of an exported network, for images that are representative."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from skipbeat_arch.errors import InputError, one_line

from .banded_convolution import convolution
from .networks.seeded import seeded

#: What the name of an attention is followed by for its products of queries and keys.
SCORES = ".scores"
#: The same for what each slice of a kernel gives in a transposed convolution of three dimensions.
SLICES = ".slices"

_LINEAR = torch.ops.aten.linear.default
_TRANSPOSED = torch.ops.aten.conv_transpose3d.input, torch.ops.aten.convolution.default
#: Elements of an operand from which on an operator is computed in parts, and those of a part.
_LARGE, _AT_ONCE = 1 << 22, 1 << 20
#: Dimensions of a map with those of the images before it.
_BATCHED = 4
_ATTENTION = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionOperands:
    """What attention is given: query [..., P, C], key and value [..., K, C] with as many heads.

    Attributes:
        mask: added to the scores, or bool: which of them count; None: all do.
        scale: of the scores; None: one over the root of C.
    """

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None
    scale: float | None


def attention_operands(args: Sequence[Any], kwargs: Mapping[str, Any]) -> AttentionOperands:
    """The operands of a call of PyTorch's scaled_dot_product_attention."""
    options: dict[str, Any] = dict(zip(_ATTENTION, args, strict=False)) | dict(kwargs)
    query, key, value, mask = options["query"], options["key"], options["value"], options.get("attn_mask")
    if options.get("is_causal"):
        mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    if options.get("enable_gqa"):
        key, value = (each.repeat_interleave(query.shape[-3] // each.shape[-3], dim=-3) for each in (key, value))
    return AttentionOperands(query=query, key=key, value=value, mask=mask, scale=options.get("scale"))


def value_names(module: fx.GraphModule) -> dict[str, fx.Node]:
    """The nodes of an exported program by the names of their values, as `graph_of` has them; parts are left out."""
    found = {node.name: node for node in module.graph.nodes}
    for node in module.graph.nodes:
        if node.target is operator.getitem:
            found.setdefault(f"{node.args[0].name}.{node.args[1]}", node)
    return found


def largest_magnitudes(program: ExportedProgram, inputs: Sequence[object]) -> dict[str, float]:
    """The largest magnitude of each value by its name; computed in float64, which leaves no rounding noise.

    Args:
        program: what is run.
        inputs: all its arguments, one after the other, of the shapes that the program was exported for.

    Raises:
        InputError: inputs on the meta device.
    """
    if any(isinstance(item, torch.Tensor) and item.is_meta for item in inputs):
        raise InputError("model: expected example inputs with numbers; on the meta device they have shapes only")
    recorder = _Recorder(program.graph_module)
    with repeatable():
        recorder.run(*_inputs(program, inputs))
    found = recorder.largest
    names = value_names(program.graph_module)
    return found | {name: found[node.name] for name, node in names.items() if node.name in found}


@contextmanager
def repeatable() -> Iterator[None]:
    """Without gradients, and whatever draws random numbers draws the same ones each time."""
    with torch.no_grad(), seeded(0):
        yield


def exact_inputs(program: ExportedProgram, inputs: Sequence[object]) -> list[object]:
    """What a program's graph is called with: its weights and the inputs, floats as float64."""
    return [_exact(each) for each in _inputs(program, inputs)]


def _inputs(program: ExportedProgram, inputs: Sequence[object]) -> Iterator[object]:
    """The same as they are."""
    given = iter(inputs)
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            yield next(given)
        elif spec.kind is InputKind.TOKEN:  # of checks, whose order it keeps
            yield torch.empty(0)
        else:
            assert spec.target is not None
            yield program.state_dict.get(spec.target, program.constants.get(spec.target))


def is_check(node: fx.Node) -> bool:
    """Whether a node only checks that numbers are of the type that they had when the model was exported."""
    return node.target is torch.ops.aten._assert_tensor_metadata.default


def in_float64(value: object) -> Any:
    """A result, or several: what a graph makes itself has the floats that it was exported with."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.double()
    return type(value)(map(in_float64, value)) if isinstance(value, tuple | list) else value


def _exact(tensor: object) -> object:
    """A copy, since operators may work in place; in float64 if it has floats."""
    if not isinstance(tensor, torch.Tensor):
        return tensor
    return tensor.detach().to(torch.float64, copy=True) if tensor.is_floating_point() else tensor.clone()


class _Recorder(fx.Interpreter):
    """Runs a program and keeps the largest magnitude of each value.

    What is given, and is read once, becomes float64 when it is read, so that not all weights are there twice.
    """

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.extra_traceback = False
        self.largest: dict[str, float] = {}

    def run_node(self, n: fx.Node) -> Any:  # the signature is torch's
        if is_check(n):
            return None
        try:
            value = super().run_node(n)
            if not _read_late(n):
                value = _exact(value) if n.op == "placeholder" else in_float64(value)
        except (AssertionError, NotImplementedError, RuntimeError, TypeError) as error:  # an operator's own, in Python
            raise InputError(f"operator {n.target}: it does not run in float64: {one_line(str(error), 200)}") from None
        if n.target is torch.ops.aten.scaled_dot_product_attention.default:
            given = attention_operands(*self.fetch_args_kwargs_from_env(n))
            self.largest[n.name + SCORES] = largest_magnitude(given.query @ given.key.transpose(-1, -2))
        if n.target in _TRANSPOSED:
            slices = _kernel_slices(n.target, *self.fetch_args_kwargs_from_env(n))
            self.largest |= {} if slices is None else {n.name + SLICES: slices}
        dense = isinstance(value, torch.Tensor) and value.layout is torch.strided
        if dense and value.is_floating_point() and value.numel():
            self.largest[n.name] = largest_magnitude(value)
        return value

    def fetch_args_kwargs_from_env(self, n: fx.Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The operands of a node; one of a large product stays as it is, see `call_function`."""

        def operand(node: fx.Node) -> Any:
            value = self.env[node]
            return _exact(value) if _read_late(node) and not (n.target is _LINEAR and _is_large(value)) else value

        args, kwargs = fx.node.map_arg(n.args, operand), fx.node.map_arg(n.kwargs, operand)
        assert isinstance(args, tuple)
        return args, kwargs

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """What is large is computed in parts."""
        result = computed_in_parts(target, args, kwargs)
        return super().call_function(target, args, kwargs) if result is None else result


def computed_in_parts(target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor | None:
    """A large product in float64, some outputs after the others, or a convolution, in bands; None: it is neither."""
    if target is _LINEAR and not kwargs and _is_large(args[1]):
        operands, x = [each for each in args[1:] if each is not None], in_float64(args[0])
        parts = zip(*(each.split(max(1, _AT_ONCE // args[1].shape[1])) for each in operands), strict=True)
        return torch.cat([target(x, *map(in_float64, part)) for part in parts], dim=-1)
    if target is torch.ops.aten.conv2d.default and args[0].dim() == _BATCHED and not kwargs:
        return convolution(*map(in_float64, args[:3]), *args[3:])
    return None


def _read_late(node: fx.Node) -> bool:
    """Whether it is given to a graph that reads it once."""
    return node.op == "placeholder" and len(node.users) == 1


def _is_large(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.numel() > _LARGE


def largest_magnitude(values: torch.Tensor) -> float:
    """The largest magnitude of an array's numbers, without a copy."""
    low, high = torch.aminmax(values)
    return float(torch.maximum(-low, high))


def _kernel_slices(target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
    """The largest magnitude of a transposed convolution of three dimensions with one slice of its kernel alone."""
    names = [argument.name for argument in target._schema.arguments]
    given: dict[str, Any] = dict(zip(names, args, strict=False)) | dict(kwargs)
    weight = given["weight"]
    if weight.dim() != 5 or not given.get("transposed", True):
        return None
    stride, padding, dilation, beyond = (
        [first, *list(given.get(name, [other]) * 3)[-2:]]
        for name, first, other in (("stride", 1, 1), ("padding", 0, 0), ("dilation", 1, 1), ("output_padding", 0, 0))
    )
    found = [
        torch.nn.functional.conv_transpose3d(
            given["input"], one, None, stride, padding, beyond, given.get("groups", 1), dilation
        )
        for one in weight.split(1, dim=2)
    ]
    return max(float(each.abs().max()) for each in found)
