"""Small products for tests of the prices of training."""

from __future__ import annotations

from functools import partial

import numpy as np

from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.model import LayerKind, WeightZeros
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training_model import HostPass, Product, Role, TrainedLayer, TrainingModel, Update
from skipbeat_arch.workload import Convolution

DENSE = Pattern("dense")


def zeros(shape: tuple[int, ...], pattern: Pattern = DENSE) -> WeightZeros:
    """The first N of every M rows, or all."""

    def nonzero() -> BoolArray:
        rows = np.arange(shape[0]) % max(pattern.m, 1) < max(pattern.n, 1)
        return np.broadcast_to(rows[:, None], shape).copy()

    return WeightZeros(key=(shape, str(pattern)), nonzero=nonzero)


def product(
    conv: Convolution, images: int, pattern: Pattern = DENSE, repeats: int = 1, *, operand: bool = False
) -> Product:
    """A product whose weight has this pattern."""
    weight = zeros((conv.gemm.c, conv.gemm.k), pattern)
    return Product(workload=conv, weight=weight, images=images, repeats=repeats, operand=operand)


def update(conv: Convolution, images: int, pattern: Pattern = DENSE, repeats: int = 1) -> Update:
    """The gradient of a weight."""
    return Update(workload=conv, pattern=pattern, zeros=partial(zeros, pattern=pattern), images=images, repeats=repeats)


def model(pattern: Pattern = DENSE, batch: int = 4, *, backward: bool = True) -> TrainingModel:
    """A network of one layer of 4 to 8 channels, with a batch norm on the host."""
    conv = Convolution(batch=1, c_in=4, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1))
    back = Convolution(batch=1, c_in=8, c_out=4, height=4, width=4, kernel=(3, 3), padding=(1, 1))
    layer = TrainedLayer(
        name="conv",
        kind=LayerKind.CONVOLUTION,
        shape="8x4x3x3 on 4x4",
        stored=True,
        patterns=(pattern, pattern),
        forward=(product(conv, batch, pattern),),
        backward=(product(back, batch, pattern),) if backward else (),
        update=update(conv, batch),
        weights=288,
    )
    host = tuple(
        HostPass(operator="aten.batch_norm", role=role, read=200, written=100) for role in (Role.FORWARD, Role.BACKWARD)
    )
    return TrainingModel(name="made", batch=batch, layers=(layer,), host=host, weights=300, update=DENSE)
