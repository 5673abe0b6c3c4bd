"""What the host reads and writes in a training step, operator by operator, in int8.

An operator with the operands I and the results O, in elements of the whole batch:

| operator | forward | backward |
|---|---|---|
| batch norm | I for its statistics, I again and O to normalise | I and dO for two sums, again for dI, and dI |
| norms of a row, smooth activations | I, O | I, dO, dI |
| softmax | I, O | O, dO, dI |
| average | I, O | dO, dI |
| max pooling | I, O and as many places | dO and the places, dI |
| addition | the other operand, read by whoever writes the sum | the other gradient, likewise |
| clamp | nothing: the output stage clamps, and so masks a gradient | nothing |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from skipbeat_arch.errors import InputError
from skipbeat_arch.training_model import HostPass, Role

from ..sources.constants import Constants
from ..sources.graph import Operator, Value
from ..sources.operators import ADDITIONS, BATCH_NORMS, CLAMPS, MAX_POOLS, VIEWS


class _Moved(NamedTuple):
    """Elements read and written in the forward and in the backward pass."""

    forward: tuple[int, int]
    backward: tuple[int, int]


_Rule = Callable[[int, int], _Moved]

_AVERAGES = ("mean", "avg_pool1d", "avg_pool2d", *(f"adaptive_avg_pool{axes}d" for axes in (1, 2, 3)))
_ROWS = ("layer_norm", "native_layer_norm", "group_norm", "rms_norm", "instance_norm")
_SMOOTH = ("gelu", "silu", "sigmoid", "tanh", "hardswish", "hardsigmoid", "mish", "elu", "leaky_relu", "selu", "mul")
_SOFT = ("softmax", "_softmax", "log_softmax", "_log_softmax")


def _rules() -> dict[str, _Rule]:
    found: dict[str, _Rule] = {}
    found |= dict.fromkeys(BATCH_NORMS, lambda i, o: _Moved((2 * i, o), (2 * i + 2 * o, i)))
    found |= dict.fromkeys((*_ROWS, *_SMOOTH), lambda i, o: _Moved((i, o), (i + o, i)))
    found |= dict.fromkeys(_SOFT, lambda i, o: _Moved((i, o), (2 * o, i)))
    found |= dict.fromkeys(_AVERAGES, lambda i, o: _Moved((i, o), (o, i)))
    found |= dict.fromkeys(MAX_POOLS, lambda i, o: _Moved((i, 2 * o), (2 * o, i)))
    found |= dict.fromkeys(ADDITIONS, lambda i, o: _Moved((max(0, i - o), 0), (max(0, i - o), 0)))
    found |= dict.fromkeys(CLAMPS, lambda i, o: _Moved((0, 0), (0, 0)))
    found |= {"embedding": lambda i, o: _Moved((o, o), (o, o))}
    return found


_RULES = _rules()


@dataclass(frozen=True)
class HostOperation:
    """An operator of one example with the elements of its activations and of its results."""

    title: str
    base: str
    operands: int
    results: int


def host_operation(operator: Operator, constants: Constants) -> HostOperation | None:
    """What the host does for an operator that is no layer; None for one that only moves names.

    Raises:
        InputError: it has no backward here.
    """
    if not operator.results or operator.base in VIEWS or operator.target.startswith(("_operator.", "math.")):
        return None
    if operator.base not in _RULES:
        known = ", ".join(sorted(_RULES))
        raise InputError(
            f"operator {operator.title} ({operator.module or 'the model itself'}): it has no backward here; expected "
            f"products and {known}"
        )
    operands = {value.name: value.elements for value in operator.values() if not _stored(value, constants)}
    return HostOperation(operator.title, operator.base, sum(operands.values()), operator.results[0].elements)


def attention_softmax(elements: int) -> HostOperation:
    """The softmax between the two products of an attention that is one operator."""
    return HostOperation("aten.softmax", "softmax", elements, elements)


def host_passes(operations: Sequence[HostOperation], outputs: int, examples: int, batch: int) -> tuple[HostPass, ...]:
    """The bytes of a step, operators of a kind together, forward and backward apart.

    Args:
        outputs: elements of the network's result, of which the loss is computed.
        examples: that operators and outputs are for. batch: of the step.
    """
    found: dict[tuple[str, Role], HostPass] = {}

    def add(title: str, role: Role, moved: tuple[int, int]) -> None:
        read, written = (-(-elements * batch // examples) for elements in moved)
        if read or written:
            known = found.get((title, role), HostPass(operator=title, role=role, read=0, written=0, count=0))
            found[title, role] = replace(
                known, read=known.read + read, written=known.written + written, count=known.count + 1
            )

    for each in operations:
        moved = _RULES[each.base](each.operands, each.results)
        add(each.title, Role.FORWARD, moved.forward)
        add(each.title, Role.BACKWARD, moved.backward)
    add("loss", Role.FORWARD, (outputs, 0))
    add("loss", Role.BACKWARD, (0, outputs))
    return tuple(found.values())


def _stored(value: Value, constants: Constants) -> bool:
    return constants.find(value) is not None
