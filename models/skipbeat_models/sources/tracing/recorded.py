"""A module's operators, recorded while it runs on tensors without memory: what `torch.export` says of it, in less time.

Only for the models of the zoo, whose forward does not branch on data: of any other, export says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch._dispatch.python import enable_python_dispatcher, no_python_dispatcher
from torch._export.utils import _compiling_state_context
from torch._subclasses.schema_check_mode import SchemaCheckMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.weak import WeakIdKeyDictionary

from ...alone import without_warnings
from ..graphs.graph import Argument, Graph, Operator, Value
from .evaluation import evaluation
from .result_shapes import RESULTS

#: How the value begins that a stored tensor is, before the tensor's name.
_STORED = "stored "


def record_module(model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object]) -> Graph:
    """The operators of a module in evaluation mode for inputs of these shapes. One thread records at a time.

    They are those of `export_module`, but for checks of number formats, which export adds.
    """
    state = dict(_weights(model))
    alike = {tensor: tensor.detach().to("meta") for tensor in state.values()}
    shapes = {name: alike[tensor] for name, tensor in state.items()}
    given, named = tree_map(_without_memory, (inputs, dict(kwargs)))
    recorder = _Recorder(shapes, [item for item in tree_leaves((given, named)) if isinstance(item, torch.Tensor)])
    with recorder.modules_of(model), torch.device("meta"), recorder.over(model):
        returned = torch.func.functional_call(model, shapes, given, named)
    results = (recorder.value(item) for item in tree_leaves(returned) if isinstance(item, torch.Tensor))
    stored = {**state, **recorder.constants}
    return Graph(
        tuple(recorder.operators),
        {f"{_STORED}{name}": name for name in stored},
        stored.__getitem__,
        frozenset(stored),
        outputs=frozenset(value.name for value in results),
    )


def _without_memory(item: object) -> object:
    return item.to("meta") if isinstance(item, torch.Tensor) else item


def _weights(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """The weights of a model under all names that they have; the last one is what operators call them."""
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def _unknown(*_: object, **__: object) -> None:
    """What an operator returns is for torch to say."""


class Watching(SchemaCheckMode):
    """Sees the operators that are called, before composite ones are cut into their parts.

    Of the modes that torch lets see an operator so early, it is the one that changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._dispatch_key = torch._C.DispatchKey.PreDispatch

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, so the compiler (a second of imports) need not be told to stay away."""
        return False

    @contextmanager
    def over(self, model: nn.Module) -> Iterator[None]:
        """Inside, it sees what a model calls in evaluation mode."""
        with (
            without_warnings(),
            torch.no_grad(),
            evaluation(model),
            _compiling_state_context(),  # what a model asks of its surroundings it is told as export tells it
            enable_python_dispatcher(),
            self,
        ):
            yield


class _Recorder(Watching):
    """Writes down the operators that are called."""

    def __init__(self, weights: Mapping[str, torch.Tensor], inputs: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.operators: list[Operator] = []
        self.constants: dict[str, torch.Tensor] = {}
        # Tensors are not held: torch hands on a copy of one that it made itself and that somebody else has.
        self._values: MutableMapping[torch.Tensor, Value] = WeakIdKeyDictionary()
        self._made = 0
        self._module = [""]
        for name, tensor in weights.items():
            self._named(tensor, f"{_STORED}{name}")
        for tensor in inputs:
            self._named(tensor)

    @contextmanager
    def modules_of(self, model: nn.Module) -> Iterator[None]:
        """Inside, an operator knows the module that calls it."""
        with ExitStack() as held:
            for name, module in model.named_modules():
                before, after = self._enter(name), self._leave
                held.callback(module.register_forward_pre_hook(before).remove)
                held.callback(module.register_forward_hook(after, always_call=True).remove)
            yield

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        names = (argument.name for argument in func._schema.arguments)
        given = {**dict(zip(names, args, strict=False)), **(kwargs or {})}
        found = {name: self._argument(value) for name, value in given.items()}
        with no_python_dispatcher():
            result: object = RESULTS.get(func, _unknown)(*args, **(kwargs or {}))
            if result is None:
                result = func(*args, **(kwargs or {}))
        results = result if isinstance(result, list | tuple) else [result]
        made = tuple(self._named(item) for item in results if isinstance(item, torch.Tensor))
        self.operators.append(Operator(str(func), found, made, self._module[-1]))
        return result

    def value(self, tensor: torch.Tensor) -> Value:
        """What a tensor is called; one that no operator made is a constant of the model's code."""
        found = self._values.get(tensor)
        if found is None:
            name = f"lifted_tensor_{len(self.constants)}"
            self.constants[name] = tensor
            found = self._named(tensor, f"{_STORED}{name}")
        return found

    def _named(self, tensor: torch.Tensor, name: str = "") -> Value:
        self._made += 1
        found = self._values[tensor] = Value(name or f"value {self._made}", tuple(tensor.shape), tensor.dtype)
        return found

    def _argument(self, argument: object) -> Argument:
        if isinstance(argument, torch.Tensor):
            return self.value(argument)
        if isinstance(argument, list | tuple):
            return [self._argument(item) for item in argument]
        return argument if isinstance(argument, bool | int | float | str | torch.dtype) else None

    def _enter(self, name: str) -> Callable[[nn.Module, object], None]:
        return lambda module, inputs: self._module.append(name)

    def _leave(self, module: nn.Module, inputs: object, result: object) -> None:
        self._module.pop()
