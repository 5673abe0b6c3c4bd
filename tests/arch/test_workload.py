"""Workloads against a brute-force count of what a convolution does."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Convolution, Gemm

SIMPLE = Convolution(batch=1, c_in=4, c_out=8, height=6, width=7, kernel=(3, 3))


def positions(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How often a kernel fits, by trying every place on the padded axis."""
    padded = size + 2 * padding
    return sum(all(0 <= start + tap * dilation < padded for tap in range(kernel)) for start in range(0, padded, stride))


def multiplications(conv: Convolution) -> int:
    """Multiply-accumulates by walking over images, outputs, places and taps."""
    rows, cols = (
        positions(*axis)
        for axis in zip((conv.height, conv.width), conv.kernel, conv.stride, conv.padding, conv.dilation, strict=True)
    )
    count = 0
    for _image in range(conv.batch):
        for output in range(conv.c_out):
            group = output // (conv.c_out // conv.groups)
            inputs = [c for c in range(conv.c_in) if c // (conv.c_in // conv.groups) == group]
            count += rows * cols * len(inputs) * conv.kernel[0] * conv.kernel[1]
    return count


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(
    batch=st.integers(1, 3),
    c_in=st.integers(1, 4),
    c_out=st.integers(1, 4),
    groups=st.integers(1, 4),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    kernel=pairs,
    stride=pairs,
    dilation=pairs,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_sizes_against_brute_force(
    batch: int,
    c_in: int,
    c_out: int,
    groups: int,
    height: int,
    width: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int],
) -> None:
    places = (
        positions(height, kernel[0], stride[0], padding[0], dilation[0]),
        positions(width, kernel[1], stride[1], padding[1], dilation[1]),
    )

    def build() -> Convolution:
        return Convolution(
            batch=batch,
            c_in=c_in * groups,
            c_out=c_out * groups,
            height=height,
            width=width,
            kernel=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )

    if 0 in places:
        with pytest.raises(InputError, match="larger than the padded input"):
            build()
        return
    conv = build()
    assert conv.out_size == places
    assert conv.gemm == Gemm(p=batch * places[0] * places[1], c=c_in * kernel[0] * kernel[1], k=c_out)
    assert conv.macs == multiplications(conv)


@given(p=st.integers(1, 50), c=st.integers(1, 50), k=st.integers(1, 50))
def test_a_linear_layer_is_a_convolution_of_one_pixel(p: int, c: int, k: int) -> None:
    conv = Convolution(batch=p, c_in=c, c_out=k, height=1, width=1, kernel=(1, 1))
    assert conv.gemm == Gemm(p=p, c=c, k=k)
    assert conv.macs == Gemm(p=p, c=c, k=k).macs == p * c * k


def test_depthwise_has_one_channel_per_group() -> None:
    conv = replace(SIMPLE, c_in=8, groups=8)
    assert (conv.gemm.c, conv.gemm.k) == (9, 1)


@pytest.mark.parametrize("name", ["p", "c", "k"])
@pytest.mark.parametrize("size", [0, -1])
def test_gemm_sizes_are_positive(name: str, size: int) -> None:
    with pytest.raises(InputError, match=f"^GEMM: {name.upper()} must be at least 1, not {size}$"):
        Gemm(**{"p": 1, "c": 1, "k": 1, name: size})


@pytest.mark.parametrize("name", ["batch", "c_in", "c_out", "height", "width", "groups"])
def test_convolution_sizes_are_positive(name: str) -> None:
    sizes: Any = {name: 0}
    with pytest.raises(InputError, match=f"^convolution: {name} must be at least 1, not 0$"):
        replace(SIMPLE, **sizes)


@pytest.mark.parametrize("pair", [(0, 3), (3, 0)])
def test_pairs_are_positive(pair: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="kernel must be at least 1, not 0"):
        replace(SIMPLE, kernel=pair)
    with pytest.raises(InputError, match="stride must be at least 1, not 0"):
        replace(SIMPLE, stride=pair)
    with pytest.raises(InputError, match="dilation must be at least 1, not 0"):
        replace(SIMPLE, dilation=pair)


def test_padding_is_not_negative() -> None:
    with pytest.raises(InputError, match=r"padding must not be negative, not \(0, -1\)"):
        replace(SIMPLE, padding=(0, -1))


@given(c_in=st.integers(1, 12), c_out=st.integers(1, 12), groups=st.integers(2, 5))
def test_groups_divide_both_channels(c_in: int, c_out: int, groups: int) -> None:
    assume(c_in % groups or c_out % groups)
    with pytest.raises(InputError, match=rf"groups \({groups}\) must divide c_in and c_out"):
        replace(SIMPLE, c_in=c_in, c_out=c_out, groups=groups)


def test_the_reduction_order_does_not_change_the_gemm() -> None:
    assert SIMPLE.order == "kh,kw,cin"
    assert replace(SIMPLE, order="cin,kh,kw").gemm == SIMPLE.gemm


def test_workloads_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        SIMPLE.__setattr__("batch", 2)
