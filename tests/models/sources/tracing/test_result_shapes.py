"""What operators return for tensors without memory is what torch says of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest
import torch

from skipbeat_models.sources.tracing.result_shapes import RESULTS

_ATEN = torch.ops.aten


def empty(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


KNOWN: list[tuple[torch._ops.OpOverload, Sequence[object]]] = [
    (_ATEN.conv2d.default, (empty(2, 6, 9, 8), empty(4, 6, 3, 3))),
    (_ATEN.conv2d.default, (empty(2, 6, 9, 8), empty(4, 6, 3, 3), empty(4), [2, 1], [1, 0], [1, 3])),
    (_ATEN.conv2d.default, (empty(1, 6, 9, 8), empty(6, 1, 5, 2), None, [1, 1], [2, 2], [2, 1], 6)),
    (_ATEN.linear.default, (empty(6), empty(4, 6))),
    (_ATEN.linear.default, (empty(2, 3, 6), empty(4, 6), empty(4))),
    (_ATEN.max_pool2d.default, (empty(2, 6, 9, 8), [2, 3])),
    (_ATEN.max_pool2d.default, (empty(6, 9, 8), [3, 3], [2, 1], [1, 1], [1, 2])),
    (_ATEN.adaptive_avg_pool2d.default, (empty(2, 6, 9, 8), [1, 2])),
    (_ATEN.batch_norm.default, (empty(2, 3, 4, 5), *[empty(3)] * 4, False, 0.1, 1e-5, True)),
    (_ATEN.relu.default, (empty(2, 3, dtype=torch.float64),)),
    (_ATEN.hardtanh.default, (empty(2, 3), 0.0, 6.0)),
    (_ATEN.add.Tensor, (empty(2, 3, dtype=torch.bfloat16), empty(2, 3, dtype=torch.bfloat16))),
]
UNKNOWN: list[tuple[torch._ops.OpOverload, Sequence[object]]] = [
    (_ATEN.conv2d.default, (empty(6, 9, 8), empty(4, 6, 3, 3))),
    (_ATEN.conv2d.default, (empty(2, 5, 9, 8), empty(4, 6, 3, 3))),
    (_ATEN.conv2d.default, (empty(2, 6, 2, 8), empty(4, 6, 3, 3))),
    (_ATEN.conv2d.default, (empty(2, 6, 9, 8), empty(4, 6, 3, 3), None, [2])),
    (_ATEN.linear.default, (empty(2, 3), empty(4, 6))),
    (_ATEN.max_pool2d.default, (empty(2, 6, 9, 8), [2, 3], [2, 2], [0, 0], [1, 1], True)),
    (_ATEN.max_pool2d.default, (empty(2, 6, 9, 8), [2])),
    (_ATEN.add.Tensor, (empty(2, 3), empty(3))),
    (_ATEN.add.Tensor, (empty(2, 3), empty(2, 3, dtype=torch.float64))),
    (_ATEN.add.Tensor, (empty(2, 3), 2.0)),
]


@pytest.mark.parametrize(("operator", "operands"), KNOWN)
def test_results_are_torchs(operator: torch._ops.OpOverload, operands: Sequence[object]) -> None:
    found, expected = RESULTS[operator](*operands), operator(*operands)
    assert found is not None
    assert (found.shape, found.dtype, found.device) == (expected.shape, expected.dtype, expected.device)
    assert found.stride() == expected.stride()


def test_every_operator_is_tried() -> None:
    assert {operator for operator, _ in KNOWN} == {*RESULTS}


@pytest.mark.parametrize(("operator", "operands"), UNKNOWN)
def test_what_is_not_known_is_left_to_torch(operator: torch._ops.OpOverload, operands: Sequence[object]) -> None:
    assert RESULTS[operator](*operands) is None


@pytest.mark.parametrize("name", ["zoo:vgg-19-cifar", "zoo:resnet-18-tiny", "zoo:mobilenet-v2"])
def test_no_compiler_is_loaded_for_a_convolutional_network(name: str) -> None:
    code = (
        f"import sys; from skipbeat_models.sources.load import load_source; load_source({name!r}); "
        "assert not {'torch._dynamo', 'sympy'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
