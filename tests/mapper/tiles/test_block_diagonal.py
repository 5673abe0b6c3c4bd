from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Convolution, ReductionOrder
from skipbeat_mapper.tiles.block_diagonal import block_diagonal


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
@pytest.mark.parametrize(("groups", "depth", "outputs"), [(1, 3, 4), (2, 3, 2), (4, 1, 1), (3, 2, 1)])
def test_every_weight_stands_where_its_channels_meet(
    order: ReductionOrder, groups: int, depth: int, outputs: int
) -> None:
    conv = Convolution(
        batch=1,
        c_in=groups * depth,
        c_out=groups * outputs,
        height=4,
        width=4,
        kernel=(3, 2),
        groups=groups,
        order=order,
    )
    weight = np.random.default_rng(groups).integers(1, 128, (groups, depth * 6, outputs)).astype(np.int8)
    full = block_diagonal(weight, conv)
    expected = np.zeros((conv.c_in * 6, conv.c_out), np.int8)
    for group, channel, tap, output in np.ndindex(groups, depth, 6, outputs):
        own = tap * depth + channel if order == "kh,kw,cin" else channel * 6 + tap
        whole = group * depth + channel
        at = tap * conv.c_in + whole if order == "kh,kw,cin" else whole * 6 + tap
        expected[at, group * outputs + output] = weight[group, own, output]
    np.testing.assert_array_equal(full, expected)


def test_wrong_shapes_and_types_are_refused() -> None:
    conv = Convolution(batch=1, c_in=2, c_out=2, height=3, width=3, kernel=(1, 1), groups=2)
    with pytest.raises(InputError, match=r"weight: expected int8 \[2, 1, 1\]"):
        block_diagonal(np.zeros((1, 2), np.int8), conv)
    with pytest.raises(InputError, match="not int16"):
        block_diagonal(np.zeros((2, 1, 1), np.int16), conv)
