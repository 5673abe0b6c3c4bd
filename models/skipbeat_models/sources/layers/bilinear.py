"""Bilinear layers: y[p, k] = sum over i, j of a[p, i] w[k, i, j] b[p, j].

They are a linear layer [P, I] x [I, K J] with the stored weight, then for each row a product [K, J] x [J, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ..graphs.graph import Operator, Value


@dataclass(frozen=True, kw_only=True, eq=False)
class BilinearCall:
    """The sizes of a call.

    Attributes:
        weight: [K, I, J].
        p: rows.
    """

    weight: Value
    p: int

    @property
    def sizes(self) -> tuple[int, int, int]:
        """K, I, J."""
        return self.weight.shape[0], self.weight.shape[1], self.weight.shape[2]


def read_bilinear(operator: Operator) -> BilinearCall | None:
    """The call of a layer; None: it is a product of three tensors of another form."""
    if operator.base == "bilinear":
        weight, first = operator.value("weight"), operator.value("input1")
        return BilinearCall(weight=weight, p=prod(first.shape[:-1])) if len(weight.shape) == 3 else None
    first, weight, second = (operator.value(name) for name in ("i1", "i2", "i3"))
    form = [operator.args.get(name) for name in ("expand1", "expand2", "expand3", "sumdim")]
    ranks = len(first.shape), len(weight.shape), len(second.shape)
    if form != [[1, 3], [0], [1, 2], [2, 3]] or ranks != (2, 3, 2):
        return None
    return BilinearCall(weight=weight, p=first.shape[0])
