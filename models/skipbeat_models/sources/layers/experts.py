"""Products of a mixture of experts: rows sorted by expert, each expert's rows with that expert's own weight.

`aten._grouped_mm` is torch's operator, `transformers.grouped_mm_fallback` what transformers puts in its place; both
take rows [S, C], weights [E, C, K] and where each expert's rows end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from skipbeat_arch.model import LayerKind, LayerPart, ModelLayer
from skipbeat_arch.workload import Gemm

from ..graphs.constants import Constant
from ..graphs.graph import Operator, Value
from ..notes import Notes
from ..pruned_weights.weight_arrays import Weight
from ..pruned_weights.zeros import ZeroReader
from .routing import Routing

#: Target without overload -> names of the rows and of the weights.
_GROUPED = {"aten._grouped_mm": ("self", "mat2"), "transformers.grouped_mm_fallback": ("input", "weight")}


@dataclass(frozen=True, eq=False, kw_only=True)
class ExpertProduct:
    """Rows [S, C] by weights [E, C, K]: each row meets the weight of one expert."""

    weight: Value
    rows: int

    @property
    def experts(self) -> int:
        """E."""
        return self.weight.shape[0]


def read_experts(operator: Operator) -> ExpertProduct | None:
    """The product that an operator computes; None: it is none of a mixture of experts."""
    names = _GROUPED.get(operator.target.rpartition(".")[0])
    if names is None:
        return None
    rows, weight = (operator.args.get(name) for name in names)
    if not isinstance(rows, Value) or not isinstance(weight, Value):
        return None
    return ExpertProduct(weight=weight, rows=rows.shape[0]) if (len(rows.shape), len(weight.shape)) == (2, 3) else None


def expert_layer(
    zeros: ZeroReader, notes: Notes, routing: Routing, name: str, product: ExpertProduct, constant: Constant
) -> ModelLayer:
    """The layer with a part for each expert that has rows; what no row needs is not fetched.

    Raises:
        InputError: the routing has another number of experts, or a weight is not finite.
    """
    experts, c, k = product.weight.shape

    def one(index: int) -> torch.Tensor:
        return constant.read()[index].t()[None, ..., None, None]

    weights = [
        Weight(name=name, kind=LayerKind.LINEAR, shape=(1, k, c, 1, 1), read=partial(one, i)) for i in range(experts)
    ]
    found = [zeros.measure(weight) for weight in weights]
    rows = routing.rows(name, experts, product.rows)
    fetched = sum(count > 0 for count in rows)
    notes.add_layer(
        f"{product.rows:,} rows for {experts} experts, routing {routing.name}: {fetched} experts are fetched, "
        f"{fetched * c * k:,} weights; the busiest has {max(rows):,} rows, {max(rows) * experts / product.rows:.2f} "
        "times the mean",
        name,
    )
    parts = [
        LayerPart(workload=Gemm(p=count, c=c, k=k), weight=each.parts[0])
        for each, count in zip(found, rows, strict=True)
        if count
    ]
    return ModelLayer(
        name=name,
        kind=LayerKind.LINEAR,
        parts=tuple(parts),
        shape=f"{k}x{c} on {product.rows} rows of {fetched} of {experts} experts",
        pattern=max((each.pattern for each in found), key=lambda pattern: pattern.density),
        density=sum(each.density for each in found) / experts,
    )
