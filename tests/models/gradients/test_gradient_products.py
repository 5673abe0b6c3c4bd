"""Workloads of gradients beside what autograd computes."""

from __future__ import annotations

import pytest
import torch

from skipbeat_arch.workload import Convolution
from skipbeat_models.gradients.gradient_products import flat, input_gradient, ungrouped


def conv(size: int = 8, kernel: int = 3, stride: int = 1, padding: int = 1, groups: int = 1) -> Convolution:
    return Convolution(
        batch=1,
        c_in=4,
        c_out=6,
        height=size,
        width=size,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        padding=(padding, padding),
        groups=groups,
    )


@pytest.mark.parametrize(
    "load",
    [conv(), conv(stride=2), conv(kernel=1, padding=0, stride=2), conv(size=9, kernel=4, stride=3), conv(groups=2)],
)
def test_the_phases_reach_every_pixel_that_has_a_gradient(load: Convolution) -> None:
    x = torch.zeros(1, 4, load.height, load.width, requires_grad=True)
    weight = torch.ones(6, 4 // load.groups, *load.kernel)
    result = torch.nn.functional.conv2d(x, weight, None, load.stride, load.padding, 1, load.groups)
    (gradient,) = torch.autograd.grad(result.sum(), x)
    phases = [part.workload for part in input_gradient("conv", load)]
    pixels = sum(phase.out_size[0] * phase.out_size[1] for phase in phases)
    reached = int(gradient[0, 0].count_nonzero())
    assert pixels >= reached
    assert pixels == load.height * load.width or load.stride[0] > load.kernel[0]
    assert {(phase.c_in, phase.c_out, phase.groups, phase.stride) for phase in phases} == {(6, 4, load.groups, (1, 1))}
    taps = sum(phase.kernel[0] * phase.kernel[1] for phase in phases)
    assert taps == load.kernel[0] * load.kernel[1]


def test_a_kernel_over_the_whole_map_is_one_product() -> None:
    load = conv(size=5, kernel=5, padding=0)
    assert flat(load) == Convolution(batch=1, c_in=100, c_out=6, height=1, width=1, kernel=(1, 1))
    (part,) = input_gradient("fc", load)
    gradient = part.workload
    assert (gradient.c_in, gradient.c_out, gradient.macs) == (6, 100, load.macs)
    assert flat(conv()) == conv()


def test_channel_groups_stand_side_by_side() -> None:
    depthwise = Convolution(batch=1, c_in=40, c_out=40, height=4, width=4, kernel=(3, 3), groups=40)
    load, times = ungrouped(depthwise, 16)
    assert (load.c_in, load.c_out, load.groups, times) == (16, 16, 1, 3)
    assert ungrouped(conv(), 16) == (conv(), 1)
    wide = Convolution(batch=1, c_in=64, c_out=64, height=4, width=4, kernel=(3, 3), groups=2)
    assert ungrouped(wide, 16)[1] == 2
