"""The integer oracle against PyTorch and against the definition of a convolution, on random integers."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.numbers import requantise
from skipbeat_arch.workload import Convolution, Gemm, ReductionOrder
from skipbeat_models import oracle
from skipbeat_models.network import Flatten, IntegerNetwork, MaxPool

Int8 = npt.NDArray[np.int8]


def random_int8(rng: np.random.Generator, *shape: int) -> Int8:
    """Uniform int8, every second tensor with extreme values only."""
    if rng.integers(2):
        return rng.choice(np.array([-128, 127], np.int8), shape)
    return rng.integers(-128, 128, shape, np.int8)


def convolution_layer(load: Convolution, weight: Int8) -> IntegerLayer:
    """A layer of PyTorch's weight [K, C/groups, kh, kw], its rows placed one by one after the order's definition."""
    k, c, h, w = weight.shape
    matrix = np.zeros((load.groups, c * h * w, k // load.groups), np.int8)
    for out, channel, i, j in np.ndindex(weight.shape):
        row = (i * w + j) * c + channel if load.order == "kh,kw,cin" else (channel * h + i) * w + j
        matrix[out // matrix.shape[2], row, out % matrix.shape[2]] = weight[out, channel, i, j]
    stored = matrix if load.groups > 1 else matrix[0]
    return IntegerLayer(name="conv", workload=load, weight=stored, bias=np.zeros(k, np.int32))


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    kernel, padding, dilation, groups = pair(1, 3), pair(0, 2), pair(1, 2), draw(st.integers(1, 3))
    smallest = [max(1, d * (n - 1) + 1 - 2 * p) for n, p, d in zip(kernel, padding, dilation, strict=True)]
    order: ReductionOrder = draw(st.sampled_from(("kh,kw,cin", "cin,kh,kw")))
    return Convolution(
        batch=1,
        c_in=groups * draw(st.integers(1, 3)),
        c_out=groups * draw(st.integers(1, 3)),
        height=smallest[0] + draw(st.integers(0, 4)),
        width=smallest[1] + draw(st.integers(0, 4)),
        kernel=kernel,
        stride=pair(1, 3),
        padding=padding,
        dilation=dilation,
        groups=groups,
        order=order,
    )


def by_definition(load: Convolution, x: Int8, weight: Int8) -> npt.NDArray[np.int64]:
    """Sums [P, K] in int64: a loop over the outputs, the channels of a group and the kernel taps."""
    padded = np.pad(x.astype(np.int64), ((0, 0), (0, 0), *((p, p) for p in load.padding)))
    out_h, out_w = load.out_size
    per_group, outs = load.c_in // load.groups, load.c_out // load.groups
    sums = np.zeros((len(x), out_h, out_w, load.c_out), np.int64)
    for n, i, j, k in np.ndindex(sums.shape):
        for c, u, v in np.ndindex(weight.shape[1:]):
            row = i * load.stride[0] + u * load.dilation[0]
            col = j * load.stride[1] + v * load.dilation[1]
            sums[n, i, j, k] += padded[n, k // outs * per_group + c, row, col] * int(weight[k, c, u, v])
    return sums.reshape(-1, load.c_out)


@given(convolutions(), st.integers(1, 2), st.integers(0, 2**31))
def test_convolution_is_exact(load: Convolution, images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = random_int8(rng, images, load.c_in, load.height, load.width)
    weight = random_int8(rng, load.c_out, load.c_in // load.groups, *load.kernel)
    trace = oracle.run_layer(convolution_layer(load, weight), x)
    assert trace.layer.workload == dataclasses.replace(load, batch=images)
    assert trace.sums.dtype == np.int32
    np.testing.assert_array_equal(trace.sums, by_definition(load, x, weight))
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(x.astype(np.float64)),
        torch.from_numpy(weight.astype(np.float64)),
        None,
        load.stride,
        load.padding,
        load.dilation,
        load.groups,
    ).numpy()
    np.testing.assert_array_equal(trace.output, expected)


@given(st.integers(1, 5), st.integers(1, 70), st.integers(1, 9), st.integers(0, 2**31))
def test_linear_is_exact(images: int, c: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, weight = random_int8(rng, images, c), random_int8(rng, c, k)
    bias = rng.integers(-(2**20), 2**20, k, np.int32)
    layer = IntegerLayer(name="fc", workload=Gemm(p=1, c=c, k=k), weight=weight, bias=bias)
    trace = oracle.run_layer(layer, x)
    assert trace.layer.workload == Gemm(p=images, c=c, k=k)
    np.testing.assert_array_equal(trace.sums, x.astype(np.int64) @ weight.astype(np.int64))
    np.testing.assert_array_equal(trace.output, trace.sums + bias)


def test_output_is_requantised_per_channel() -> None:
    rng = np.random.default_rng(5)
    load = Convolution(batch=1, c_in=2, c_out=3, height=4, width=5, kernel=(3, 3), padding=(1, 1))
    multiplier = rng.integers(2**30, 2**31, 3)
    shift = np.array([38, 39, 40])
    layer = dataclasses.replace(
        convolution_layer(load, random_int8(rng, 3, 2, 3, 3)),
        bias=np.array([0, 1000, -1000], np.int32),
        multiplier=multiplier,
        shift=shift,
        low=0,
    )
    trace = oracle.run_layer(layer, random_int8(rng, 2, 2, 4, 5))
    assert trace.output.dtype == np.int8
    for n, k, i, j in np.ndindex(2, 3, 4, 5):
        sums = trace.sums[(n * 4 + i) * 5 + j, k] + layer.bias[k]
        assert trace.output[n, k, i, j] == requantise(sums, multiplier[k], shift[k], 0)


def test_pooling_and_flatten_are_pytorchs() -> None:
    x = np.random.default_rng(6).integers(-128, 128, (2, 3, 5, 6), np.int8)
    pool = MaxPool(name="pool", kernel=(3, 2), stride=(2, 1), padding=(1, 1))
    padded = np.pad(x.astype(np.int64), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-1000)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 2), axis=(2, 3))[:, :, ::2]
    np.testing.assert_array_equal(oracle.run_host(pool, x), windows.max(axis=(4, 5)))
    flat = oracle.run_host(Flatten(name="flatten"), x)
    np.testing.assert_array_equal(flat, torch.nn.Flatten()(torch.from_numpy(x)).numpy())


def test_wrong_input_is_named() -> None:
    layer = IntegerLayer(
        name="fc", workload=Gemm(p=1, c=4, k=1), weight=np.ones((4, 1), np.int8), bias=np.zeros(1, np.int32)
    )
    network = IntegerNetwork(stages=(Flatten(name="f"), layer), input_shape=(1, 2, 2), input_scale=1.0, logit_scale=1.0)
    images = np.ones((3, 1, 2, 2), np.int8)
    assert oracle.run(network, images).logits.tolist() == [[4]] * 3
    for bad in (images.view(np.uint8), images[0], images[:, :, :1], images[:0]):
        with pytest.raises(InputError, match=r"expected int8 \[N, 1, 2, 2\]"):
            oracle.run(network, cast(Int8, bad))
    with pytest.raises(InputError, match=r"layer fc: input of shape \(3, 5\), expected \(3, 4\)"):
        oracle.run_layer(layer, np.zeros((3, 5), np.int8))
    huge = dataclasses.replace(layer, bias=np.array([2**31 - 1], np.int32))
    with pytest.raises(InputError, match="do not fit int32"):
        oracle.run_layer(huge, np.ones((1, 4), np.int8))
