"""Products of a training step as convolutions with a stationary operand: put together they are the oracle's."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.integer_training.stationary_products import (
    StationaryProduct,
    backward_products,
    forward_product,
    update_products,
)
from skipbeat_models.integer_training.training_products import ExactProducts, Geometry, TensorDraws
from skipbeat_models.integer_training.vectors import Vectors

ORACLE = ExactProducts(TensorDraws(Vectors(8, 16, 8)))
#: Input, weight, and how it moves.
CASES = {
    "padded": ((2, 3, 5, 6), (4, 3, 3, 3), Geometry(padding=(1, 1))),
    "strided": ((2, 4, 7, 6), (6, 4, 3, 3), Geometry(stride=(2, 2), padding=(1, 1))),
    "a stride beyond the kernel": ((2, 4, 7, 7), (3, 4, 1, 1), Geometry(stride=(3, 2))),
    "dilated": ((1, 2, 8, 8), (3, 2, 3, 3), Geometry(stride=(2, 1), padding=(2, 2), dilation=(2, 2))),
    "over the map": ((3, 4, 2, 3), (10, 4, 2, 3), Geometry()),
    "in groups": ((2, 6, 5, 5), (9, 2, 3, 3), Geometry(padding=(1, 1), groups=3)),
    "depthwise": ((2, 5, 6, 6), (5, 1, 3, 3), Geometry(stride=(2, 2), padding=(1, 1), groups=5)),
}


def bytes_of(seed: int, shape: tuple[int, ...]) -> Int8Array:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


def sums(product: StationaryProduct) -> Int64Array:
    graph = layer_graph(product.workload, product.weight, "layer", raw=True)
    return run_graph(graph, np.ascontiguousarray(product.x))[graph.output].astype(np.int64)


@pytest.mark.parametrize(("x_shape", "w_shape", "geometry"), CASES.values(), ids=CASES)
def test_the_parts_are_the_whole(x_shape: tuple[int, ...], w_shape: tuple[int, ...], geometry: Geometry) -> None:
    x, weight = bytes_of(1, x_shape), bytes_of(2, w_shape)
    y = ORACLE.forward("layer", x, weight, np.zeros(len(weight), np.int64), geometry)
    np.testing.assert_array_equal(sums(forward_product(x, weight, geometry)), y)
    dy, dx = bytes_of(3, y.shape), np.zeros(x_shape, np.int64)
    for part in backward_products("layer", dy, weight, geometry, x_shape):
        part.put(dx, sums(part))
        np.testing.assert_array_equal(part.taken(dx), sums(part))
    np.testing.assert_array_equal(dx, ORACLE.input_sums(dy, weight, geometry, x_shape))
    found = []
    for update in update_products(x, dy, geometry, w_shape, 4):
        load = update.workload
        own = Geometry(stride=load.stride, padding=load.padding, dilation=load.dilation)
        shape = (load.c_out, load.c_in, *load.kernel)
        found.append(update.kept(ORACLE.update("layer", update.x, update.gradient, own, shape)))
    wanted = ORACLE.update("layer", x, dy, geometry, w_shape)
    np.testing.assert_array_equal(np.concatenate(found).reshape(w_shape), wanted)
