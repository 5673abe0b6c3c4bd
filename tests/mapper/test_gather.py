from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.gather import block_diagonal, gather, interleaved_order, layer_gemm


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    kernel, dilation, groups = pair(1, 3), pair(1, 2), draw(st.integers(1, 3))
    return Convolution(
        batch=draw(st.integers(1, 2)),
        c_in=groups * draw(st.integers(1, 3)),
        c_out=groups * draw(st.integers(1, 3)),
        height=draw(st.integers(5, 7)),
        width=draw(st.integers(5, 7)),
        kernel=kernel,
        stride=pair(1, 3),
        padding=pair(0, 2),
        dilation=dilation,
        groups=groups,
        order=draw(st.sampled_from(("kh,kw,cin", "cin,kh,kw"))),
    )


def gather_by_loops(x: np.ndarray, conv: Convolution, channel_group: int) -> np.ndarray:
    gemm, depth = conv.gemm, conv.c_in // conv.groups
    out = np.zeros((gemm.p, gemm.c), np.int8)
    out_h, out_w = conv.out_size
    for p, (image, row, column) in enumerate(np.ndindex(conv.batch, out_h, out_w)):
        for tap_h, tap_w, c in np.ndindex(*conv.kernel, depth):
            h = row * conv.stride[0] + tap_h * conv.dilation[0] - conv.padding[0]
            w = column * conv.stride[1] + tap_w * conv.dilation[1] - conv.padding[1]
            by_tap = (tap_h * conv.kernel[1] + tap_w) * depth + c
            by_channel = (c * conv.kernel[0] + tap_h) * conv.kernel[1] + tap_w
            if 0 <= h < conv.height and 0 <= w < conv.width:
                at = by_tap if conv.order == "kh,kw,cin" else by_channel
                out[p, at] = x[image, channel_group * depth + c, h, w]
    return out


@settings(max_examples=40, deadline=None)
@given(conv=convolutions(), seed=st.integers(0, 2**32 - 1))
def test_every_channel_group_is_what_loops_gather(conv: Convolution, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (conv.batch, conv.c_in, conv.height, conv.width), np.int8)
    for group in range(conv.groups):
        np.testing.assert_array_equal(gather(x, conv, group), gather_by_loops(x, conv, group))


@settings(max_examples=40, deadline=None)
@given(conv=convolutions(), seed=st.integers(0, 2**32 - 1))
def test_the_whole_layer_over_a_block_diagonal_weight_is_the_groups_side_by_side(conv: Convolution, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (conv.batch, conv.c_in, conv.height, conv.width), np.int8)
    weight = rng.integers(-128, 128, (conv.groups, conv.gemm.c, conv.gemm.k), np.int8)
    whole = gather(x, conv).astype(np.int64) @ block_diagonal(weight, conv).astype(np.int64)
    apart = [gather(x, conv, g).astype(np.int64) @ weight[g].astype(np.int64) for g in range(conv.groups)]
    np.testing.assert_array_equal(whole, np.concatenate(apart, axis=1))
    gemm = layer_gemm(conv)
    assert whole.shape == (gemm.p, gemm.k)
    assert np.count_nonzero(block_diagonal(np.ones_like(weight), conv)) == (conv.groups * conv.gemm.c * conv.gemm.k)


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
def test_interleaved_neighbours_belong_to_different_channel_groups(order: str) -> None:
    conv = Convolution(
        batch=1,
        c_in=12,
        c_out=8,
        height=4,
        width=4,
        kernel=(3, 2),
        groups=4,
        order="kh,kw,cin" if order == "kh,kw,cin" else "cin,kh,kw",
    )
    full = block_diagonal(np.ones((4, conv.gemm.c, conv.gemm.k), np.int8), conv)
    interleaved = interleaved_order(conv)
    assert sorted(interleaved) == list(range(72))
    assert full[interleaved].reshape(-1, 4, 8).sum(axis=1).max() == 1


def test_a_gemm_passes_through() -> None:
    x = np.arange(6, dtype=np.int8).reshape(2, 3)
    assert gather(x, Gemm(p=2, c=3, k=1)) is x


def test_wrong_shapes_are_refused() -> None:
    conv = Convolution(batch=1, c_in=2, c_out=2, height=3, width=3, kernel=(1, 1), groups=2)
    x = np.zeros((1, 2, 3, 3), np.int8)
    with pytest.raises(InputError, match="expected int8"):
        gather(x[:, :1], conv)
    with pytest.raises(InputError, match="expected int8"):
        gather(x.astype(np.int16), conv)
    with pytest.raises(InputError, match=r"expected one of 0\.\.1"):
        gather(x, conv, 2)
    with pytest.raises(InputError, match=r"weight: expected int8 \[2, 1, 1\]"):
        block_diagonal(np.zeros((1, 2), np.int8), conv)
