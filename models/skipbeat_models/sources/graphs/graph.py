"""A model's operators as plain data: what a module that was exported and a file that was exported have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor that an operator makes or takes. Its name is unique in the graph; a number format may be unknown."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype | None = None

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return torch.Size(self.shape).numel()


#: What an operator can be given; a list may hold values.
Argument = Value | bool | int | float | str | torch.dtype | None | list["Argument"]


@dataclass(frozen=True, eq=False)
class Operator:
    """One call.

    Attributes:
        target: namespace, name and overload, such as `aten.conv2d.default`.
        args: by the names of the operator's schema; those that keep their default may be missing.
        module: name of the module that makes the call, empty for the model itself.
        left: why it is left to the host although it is a product; empty for all others.
    """

    target: str
    args: Mapping[str, Argument]
    results: tuple[Value, ...]
    module: str
    left: str = ""

    @property
    def base(self) -> str:
        """The name without namespace, overload and the underscore of an operator that works in place."""
        return self.target.removeprefix("aten.").split(".")[0].rstrip("_")

    @property
    def title(self) -> str:
        """The name for a reader: without overload and underscore."""
        return ".".join(self.target.split(".")[:2]).rstrip("_")

    def value(self, name: str) -> Value:
        """An argument that is a tensor."""
        value = self.args.get(name)
        if not isinstance(value, Value):
            raise TypeError(f"{self.target}: {name} is not a tensor")
        return value

    @property
    def in_place(self) -> bool:
        """Whether it overwrites its first operand; `detach_`, which changes no number, does not."""
        name = self.target.split(".")[1] if "." in self.target else self.target
        return name.endswith("_") and not name.endswith("__") and name != "detach_"

    def values(self) -> list[Value]:
        """All tensors among its arguments."""
        found: list[Value] = []
        for argument in self.args.values():
            found += [
                item for item in (argument if isinstance(argument, list) else [argument]) if isinstance(item, Value)
            ]
        return found


@dataclass(frozen=True, eq=False)
class Graph:
    """Operators in the order in which they run.

    Attributes:
        weights: for the names of values that are parameters or buffers: the weight's name in the model.
        read: the tensor of a weight by its name. It may lie on the meta device; then only its shape is known.
        stored: names of all weights of the model, also those that no operator takes (masks).
        inputs: shapes of the model's inputs.
        outputs: names of the values that the model returns.
    """

    operators: tuple[Operator, ...]
    weights: Mapping[str, str]
    read: Callable[[str], torch.Tensor]
    stored: frozenset[str] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()
    inputs: tuple[tuple[int, ...], ...] = ()
    outputs: frozenset[str] = frozenset()

    def used(self) -> frozenset[str]:
        """Names of the weights that an operator takes."""
        taken = {value.name for operator in self.operators for value in operator.values()}
        return frozenset(weight for value, weight in self.weights.items() if value in taken)


def names_of(argument: Argument) -> frozenset[str]:
    """Names of the values in an argument."""
    if isinstance(argument, Value):
        return frozenset({argument.name})
    return frozenset().union(*map(names_of, argument)) if isinstance(argument, list) else frozenset()
