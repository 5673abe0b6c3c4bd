"""The numbers of a layer that becomes a node: its weight and bias with the batch normalisation folded in."""

from __future__ import annotations

import torch

from ..graphs.constants import Constants
from ..graphs.graph import Value
from ..layers.norm import Norm
from ..layers.reading import bias_of
from .operation import Kind, Operation


def layer_numbers(operation: Operation, constants: Constants) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight float [K, C / groups, kh, kw] and bias float64 [K] of a layer, or of a batch normalisation by itself."""
    layer, channels = operation.kind is Kind.LAYER, operation.workload.c_out
    weight = stored_weight(operation) if layer else torch.ones(channels, 1, 1, 1, dtype=torch.float64)
    bias = torch.zeros(channels, dtype=torch.float64)
    if layer and (own := bias_of(operation.reading.operator)) is not None:
        bias += _stored(own, constants)
    if operation.norm is not None:
        norm = Norm.read(operation.norm, constants)
        weight = weight * norm.factor[:, None, None, None]
        bias = bias * norm.factor + norm.shift
    for added in operation.biases:
        bias = bias + _stored(added, constants)
    return weight, bias


def stored_weight(operation: Operation) -> torch.Tensor:
    """The weight of a layer as it is stored, float [K, C / groups, kh, kw]."""
    workload, reading = operation.workload, operation.reading
    (constant,) = reading.constants
    assert constant is not None
    weight = constant.numbers()
    if reading.product is not None:
        weight = reading.product.matrices(weight)[0].t()
    return weight.reshape(workload.c_out, workload.c_in // workload.groups, *workload.kernel)


def _stored(value: Value, constants: Constants) -> torch.Tensor:
    constant = constants.find(value)
    assert constant is not None
    return constant.numbers().double().reshape(-1)
