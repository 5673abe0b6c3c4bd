"""Recurrent layers: a product of all steps with the input's weights, and one of each step with the state's."""

from __future__ import annotations

from dataclasses import dataclass

from ..graphs.graph import Operator, Value


@dataclass(frozen=True, kw_only=True)
class StepProduct:
    """`repeats` products of `p` rows with a weight [K, C]; `alone`: a step of the layer has no other product."""

    weight: Value
    p: int
    repeats: int
    alone: bool = False


def steps(operator: Operator) -> list[StepProduct] | None:
    """The products of aten.lstm, gru or rnn; None: an argument is not as PyTorch's own layers give it."""
    params, layers = operator.args.get("params"), operator.args.get("num_layers")
    source = operator.value("input")
    if not isinstance(params, list) or not isinstance(layers, int) or len(source.shape) != 3:
        return None
    weights = [item for item in params if isinstance(item, Value)]
    directions = 2 if operator.args.get("bidirectional") else 1
    count, rest = divmod(len(weights), layers * directions)
    if rest or count not in (2, 3, 4, 5):
        return None
    length, batch = source.shape[:2] if not operator.args.get("batch_first") else source.shape[1::-1]
    found = []
    for start in range(0, len(weights), count):
        # Input weights, state weights, their biases, and the projection of the state where there is one.
        found.append(StepProduct(weight=weights[start], p=length * batch, repeats=1))
        projected = count in (3, 5)
        found.append(StepProduct(weight=weights[start + 1], p=batch, repeats=length, alone=not projected))
        if projected:
            found.append(StepProduct(weight=weights[start + count - 1], p=batch, repeats=length))
    return found
