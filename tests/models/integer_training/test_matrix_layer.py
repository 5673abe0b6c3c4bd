"""The three products of a layer in integers, masks along the axes of their reductions, and the units of columns."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from skipbeat_arch.arrays import FloatArray, Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models.integer_training.gradient_store import GradientStore
from skipbeat_models.integer_training.matrix_layer import LayerPatterns, MatrixLayer, rank_mask
from skipbeat_models.integer_training.optimiser_step import WEIGHT_EXPONENT, OptimiserStep
from skipbeat_models.integer_training.scaled import Scaled
from skipbeat_models.integer_training.training_products import ExactProducts, Geometry, TensorDraws
from skipbeat_models.integer_training.vectors import Vectors

DENSE, TWO_OF_EIGHT = Pattern("dense"), Pattern.parse("2:8")
SPARSE = LayerPatterns(forward=TWO_OF_EIGHT, backward=TWO_OF_EIGHT, update=DENSE)
EXACT = ExactProducts(TensorDraws(Vectors(8, 16, 8)))
STEP = OptimiserStep(momentum=0.9, decay=1e-3, masked_decay=2e-4, rate=0.05)


def numbers(seed: int, *shape: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal(shape)


def bytes_of(seed: int, *shape: int) -> Int8Array:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


@pytest.mark.parametrize("groups", [1, 2])
def test_the_products_by_hand(groups: int) -> None:
    """Every multiply-accumulate of a 3x3 convolution of stride 2, one after the other."""
    c_in, c_out, stride, pad = 16, 16, 2, 1
    weight, bias = numbers(1, c_out, c_in // groups, 3, 3), numbers(2, c_out)
    geometry = Geometry(stride=(stride, stride), padding=(pad, pad), groups=groups)
    layer = MatrixLayer("c", weight, bias, geometry, SPARSE, EXACT)
    x, g = Scaled(bytes_of(3, 2, c_in, 5, 6), -5), Scaled(bytes_of(4, 2, c_out, 3, 3), -9)
    padded = np.pad(x.mantissas.astype(np.int64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dy = g.mantissas.astype(np.int64)
    ahead, back = (tiles.kept.astype(np.int64) for tiles in (layer.ahead, layer.back))
    y, dx, dw = np.zeros_like(dy), np.zeros_like(padded), np.zeros(weight.shape, np.int64)
    for k, c, i, j, row, col in product(range(c_out), range(c_in // groups), *[range(3)] * 4):
        channel = k // (c_out // groups) * (c_in // groups) + c
        seen = padded[:, channel, row * stride + i, col * stride + j]
        y[:, k, row, col] += ahead[k, c, i, j] * seen
        dx[:, channel, row * stride + i, col * stride + j] += back[k, c, i, j] * dy[:, k, row, col]
        dw[k, c, i, j] += (dy[:, k, row, col] * seen).sum()
    sums = layer.forward(x)
    np.testing.assert_array_equal(sums.units, layer.ahead.units - 5)
    assert layer.bias is not None
    biases = np.floor(np.ldexp(layer.bias.real(), -sums.units.astype(np.int32)) + 0.5)
    np.testing.assert_array_equal(sums.values, y + biases.astype(np.int64)[:, None, None])
    dx, passed = dx[:, :, pad:-pad, pad:-pad], bytes_of(5, *x.mantissas.shape) > 0
    store = GradientStore(shift=7, seed=6, passed=passed.astype(np.int8))
    found = layer.backward(g, dx.shape, store)
    draws = EXACT.draws.gradient_draws("c", g.mantissas, layer.back.kept, geometry, dx.shape, store)
    rounded = np.where(passed, (dx + (draws >> np.uint32(32 - 7))) >> 7, 0)
    np.testing.assert_array_equal(found.mantissas, np.clip(rounded, -127, 127))
    assert found.bits == int(np.abs(dx[passed]).max()).bit_length()
    assert found.clips == (np.abs(rounded) > 127).sum() > 0
    assert layer.backward_unit(g) == int(layer.back.units[0]) - 9
    np.testing.assert_array_equal(layer.gradient(x, g), dw)


def test_masks_lie_along_each_reduction_and_follow_the_bytes() -> None:
    layer = MatrixLayer("c", numbers(5, 16, 8, 3, 3), None, Geometry(), SPARSE, EXACT)
    ahead, back = layer.ahead, layer.back
    assert (ahead.mask.sum(axis=1) == 2).all()
    assert (back.mask.reshape(2, 8, 8, 3, 3).sum(axis=1) == 2).all()
    for k, i, j in product(range(16), range(3), range(3)):
        line = [abs(int(value)) for value in ahead.dense[k, :, i, j]]
        best = sorted(range(8), key=lambda at: (-line[at], at))[:2]
        assert set(np.flatnonzero(ahead.mask[k, :, i, j]).tolist()) == set(best)


def test_bytes_use_their_unit_and_are_the_nearest() -> None:
    weight = numbers(6, 8, 8, 1, 1) * np.logspace(-3, 0, 8)[:, None, None, None]
    layer = MatrixLayer("c", weight, None, Geometry(), SPARSE, EXACT)
    largest = np.abs(layer.ahead.dense.astype(int)).max(axis=(1, 2, 3))
    assert (largest >= 64).all()
    for tiles, units in ((layer.ahead, layer.ahead.units[:, None, None, None]), (layer.back, layer.back.units[0])):
        error = np.abs(np.ldexp(tiles.dense.astype(float), units.astype(np.int32)) - weight)
        inside = np.abs(tiles.dense.astype(int)) < 127
        assert (error <= np.ldexp(0.5, units.astype(np.int32)) + 2.0**WEIGHT_EXPONENT)[inside].all()


def test_a_ragged_last_group_keeps_what_it_can() -> None:
    values = bytes_of(7, 11, 3)
    mask = rank_mask(values, 0, TWO_OF_EIGHT)
    assert (mask[:8].sum(axis=0) == 2).all()
    assert (mask[8:].sum(axis=0) == 2).all()
    assert rank_mask(values[:1], 0, TWO_OF_EIGHT).all()
    assert rank_mask(values, 0, DENSE).all()


def test_one_update_is_sgd_with_momentum_and_the_decay_of_masked_weights() -> None:
    weight = numbers(8, 8, 8, 1, 1)
    layer = MatrixLayer("fc", weight, numbers(9, 8), Geometry(), SPARSE, EXACT)
    x, g = Scaled(bytes_of(10, 4, 8, 1, 1), -7), Scaled(bytes_of(11, 4, 8, 1, 1), -9)
    assert layer.bias is not None
    before, bias = torch.from_numpy(layer.weight.real()), torch.from_numpy(layer.bias.real())
    mask = torch.from_numpy(layer.ahead.mask)
    velocity = torch.zeros_like(before)
    for _ in range(2):
        mask = torch.from_numpy(layer.ahead.mask)
        dw = torch.from_numpy(np.einsum("nk,nc->kc", g.real()[:, :, 0, 0], x.real()[:, :, 0, 0]))[:, :, None, None]
        velocity = 0.9 * velocity + dw + (1e-3 + 2e-4 * ~mask) * before
        before = before - 0.05 * velocity
        layer.update(STEP, x, g)
    np.testing.assert_allclose(layer.weight.real(), before.numpy(), atol=1e-6)
    summed = g.real().sum(axis=(0, 2, 3))
    np.testing.assert_allclose(layer.bias.real(), bias.numpy() - 0.05 * (1 + 1.9) * summed, atol=1e-5)


def test_what_32_bits_do_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match="layer c: expected weights between -8 and 8"):
        MatrixLayer("c", np.full((8, 8, 1, 1), 8.0), None, Geometry(), SPARSE, EXACT)
    with pytest.raises(InputError, match="too large for momenta"):
        STEP.rule(-6)
