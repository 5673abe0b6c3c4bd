"""A transposed convolution's phases against PyTorch's result, and its products against PyTorch's counter."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_models.sources.layers.convolutions import ConvolutionCall, workloads
from tests.models.sources.counts import count_module

DRAWN = st.tuples(*(st.integers(1, 4) for _ in range(6)), st.integers(0, 3), st.integers(0, 3))


def call(
    size: int, kernel: int, stride: int, dilation: int, padding: int, out_size: int, groups: int
) -> ConvolutionCall:
    return ConvolutionCall(
        batch=2,
        c_in=2 * groups,
        c_out=3 * groups,
        size=(size, size),
        kernel=(kernel, kernel),
        stride=(stride, stride),
        low=(padding, padding),
        high=(padding, padding),
        dilation=(dilation, dilation),
        groups=groups,
        transposed=True,
        out_size=(out_size, out_size),
    )


@given(drawn=DRAWN)
@settings(max_examples=150)
def test_phases_compute_what_pytorch_computes(drawn: tuple[int, ...]) -> None:
    size, kernel, stride, dilation, groups, _, padding, more = drawn
    more %= max(stride, dilation)
    out_size = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + more + 1
    if out_size < 1:
        return
    parts = workloads("layer", call(size, kernel, stride, dilation, padding, out_size, groups))
    # All pairs of an output and a tap whose place in the stretched input can hold an input.
    pairs = sum((y + padding - dilation * t) % stride == 0 for y in range(out_size) for t in range(kernel))
    assert sum(part.workload.macs for part in parts) == 2 * 2 * 3 * groups * pairs**2

    # In one dimension, with an impulse response that tells the taps apart.
    x, w = torch.rand(size, dtype=torch.float64), torch.rand(kernel, dtype=torch.float64)
    expected = torch.nn.functional.conv_transpose1d(
        x[None, None], w[None, None], stride=stride, padding=padding, dilation=dilation, output_padding=more
    )
    result = torch.zeros(out_size, dtype=torch.float64)
    for part in {part.taps[1]: part for part in parts}.values():
        taps, work, phase = part.taps[1], part.workload, part.places[1]
        assert (phase + padding - dilation * taps[0]) % stride == 0
        assert work.width == size + sum(part.pads[2:])
        first = (phase + padding - dilation * taps[0]) // stride
        assert work.out_size[1] == len(range(phase, out_size, stride))
        for j in range(work.out_size[1]):
            places = [first + j + n * work.dilation[1] for n in range(len(taps))]
            result[phase + j * stride] = sum(x[i] * w[t] for i, t in zip(places, taps, strict=True) if 0 <= i < size)
    torch.testing.assert_close(result, expected[0, 0])


def test_a_stride_without_taps_is_left_out() -> None:
    parts = workloads("layer", call(3, 1, 2, 1, 0, 5, 1))
    assert [(part.workload.out_size, part.taps) for part in parts] == [((3, 3), ((0,), (0,)))]


def test_no_elements() -> None:
    with pytest.raises(InputError, match=r"layer up: .* has no elements"):
        workloads("up", call(0, 1, 2, 1, 0, 5, 1))


@pytest.mark.parametrize("options", [{}, {"padding": 1}, {"padding": 1, "output_padding": 1}, {"groups": 2}])
@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_each_input_meets_each_tap(options: dict[str, int], spatial: int) -> None:
    kind: Any = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[spatial - 1]
    model = kind(4, 6, 3, stride=2, **options).eval()
    found = count_module(model, (torch.ones(2, 4, *range(3, 3 + spatial)),), "up")
    assert found.priced == found.counted
