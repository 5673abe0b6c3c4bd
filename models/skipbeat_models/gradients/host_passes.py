"""What the host reads and writes in a training step, operator by operator, in int8.

An operator with the operands I and the results O, in elements of the whole batch:

| operator | forward | backward |
|---|---|---|
| batch norm | I for its statistics, I again and O to normalise | I and dO for two sums, again for dI, and dI |
| norms of a row, smooth activations | I, O | I, dO, dI |
| softmax | I, O | O, dO, dI |
| average | I, O | dO, dI |
| max pooling | I in sums of 4 bytes, which 3 more of each are written for, O and its places | dO and the places, dI |
| the same by the machine | O, which lies between its places, and O by itself | dO and the places, dI |
| addition | the other operand, read by whoever writes the sum | the other gradient, likewise |
| clamp | a bit of each O: where it let pass | the bits, by whoever stores and masks the gradient |

Operators that go over the same elements one after the other do so together, with nothing stored between them:

- A clamp behind a batch norm has no bits: I, which the norm's backward reads, says where it let pass.
- Of the batch norms whose results one addition alone reads, all but one are normalised while the sum is made: their O
  is neither written nor read. Backward all of them have the sum's gradient, which is read once for all.
- A max pooling that alone reads what a batch norm, or a clamp behind it, makes is computed while that is made. Forward
  only the pooling's O and places are written. Backward the norm reads them with the pooling's dO in place of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from skipbeat_arch.errors import InputError
from skipbeat_arch.training_model import HostPass, Role

from ..sources.graphs.constants import Constants
from ..sources.graphs.graph import Operator, Value
from ..sources.graphs.operators import ADDITIONS, BATCH_NORMS, CLAMPS, MAX_POOLS, VIEWS

#: Of a sum that the machine stores as it is: the places of a pooling are those of sums, not of bytes.
_SUM_BYTES = 4


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
    found |= dict.fromkeys(MAX_POOLS, lambda i, o: _Moved((_SUM_BYTES * i, (_SUM_BYTES - 1) * i + 2 * o), (2 * o, i)))
    found |= dict.fromkeys(ADDITIONS, lambda i, o: _Moved((max(0, i - o), 0), (max(0, i - o), 0)))
    found |= dict.fromkeys(CLAMPS, lambda i, o: _Moved((0, _bits(o)), (_bits(o), 0)))
    found |= {"embedding": lambda i, o: _Moved((o, o), (o, o))}
    return found


_RULES = _rules()


@dataclass(frozen=True)
class HostOperation:
    """An operator of one example with the elements of its activations and of its results.

    Attributes:
        reads, makes: values by their names. shared: whether others than one operator read what it makes.
        placed: it is a max pooling, and the machine stores the largest sums' bytes with their places.
    """

    title: str
    base: str
    operands: int
    results: int
    reads: tuple[str, ...] = ()
    makes: str = ""
    shared: bool = False
    placed: bool = False


def host_operation(operator: Operator, constants: Constants, readers: Mapping[str, int]) -> HostOperation | None:
    """What the host does for an operator that is no layer; None for one that only moves names.

    Args:
        readers: how many operators read a value, by its name.

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
    made = operator.results[0]
    return HostOperation(
        title=operator.title,
        base=operator.base,
        operands=sum(operands.values()),
        results=made.elements,
        reads=tuple(operands),
        makes=made.name,
        shared=readers[made.name] != 1,
    )


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

    for each, moved in zip(operations, _moved_together(operations), strict=True):
        add(each.title, Role.FORWARD, moved.forward)
        add(each.title, Role.BACKWARD, moved.backward)
    add("loss", Role.FORWARD, (outputs, 0))
    add("loss", Role.BACKWARD, (0, outputs))
    return tuple(found.values())


def _moved_together(operations: Sequence[HostOperation]) -> list[_Moved]:
    """What each moves, when those that can go over their elements together do."""
    found = [_placed(each) if each.placed else _RULES[each.base](each.operands, each.results) for each in operations]
    norms = {each.makes: number for number, each in enumerate(operations) if each.base in BATCH_NORMS and each.makes}
    alone = {each.makes: norms[each.makes] for each in operations if each.makes in norms and not each.shared}
    for number, each in enumerate(operations):
        before = [norms[name] for name in each.reads if name in norms]
        if each.base in CLAMPS and before:
            found[number] = _Moved((0, 0), (0, 0))
            if not each.shared and before[0] in alone.values():
                alone[each.makes] = before[0]
        if each.base in MAX_POOLS and each.reads[0] in alone:
            norm = alone[each.reads[0]]
            size, pooled = operations[norm].operands, 2 * each.results
            found[norm] = _Moved((2 * size, 0), (2 * size + 2 * pooled, size))
            found[number] = _Moved((0, pooled), (0, 0))
        if each.base in ADDITIONS:
            for beside in [norm for norm in before if not operations[norm].shared][1:]:
                whole, (read, written) = operations[beside], found[number].forward
                found[beside] = _Moved((2 * whole.operands, 0), (2 * whole.operands, whole.operands))
                found[number] = found[number]._replace(forward=(read - whole.results, written))
    return found


def _placed(pooling: HostOperation) -> _Moved:
    """The machine stores O with its places; the host takes it out from between them."""
    return _Moved((pooling.results, pooling.results), (2 * pooling.results, pooling.operands))


def _bits(elements: int) -> int:
    """Bytes of a bit for each element."""
    return -(-elements // 8)


def _stored(value: Value, constants: Constants) -> bool:
    return constants.find(value) is not None
