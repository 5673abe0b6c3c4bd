"""Bytes of the host, operator by operator."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.training_model import HostPass, Role
from skipbeat_models.gradients.host_passes import HostOperation, attention_softmax, host_operation, host_passes
from skipbeat_models.sources.graphs.graph import names_of
from skipbeat_models.sources.layers.reading import read_operators
from skipbeat_models.sources.tracing.exported import export_module


def moved(*operations: HostOperation, batch: int = 2) -> dict[tuple[str, Role], HostPass]:
    return {(each.operator, each.role): each for each in host_passes(operations, 10, 1, batch)}


def operations(*layers: nn.Module) -> list[HostOperation]:
    """What the host does for modules on 8 channels of 4x4 pixels."""
    readings, constants = read_operators(export_module(nn.Sequential(*layers), (torch.zeros(1, 8, 4, 4),), {}))
    given = (argument for each in readings for argument in each.operator.args.values())
    readers = Counter(name for argument in given for name in names_of(argument))
    found = (host_operation(each.operator, constants, readers) for each in readings if not each.names)
    return [each for each in found if each is not None]


def test_batch_norm_reads_its_operand_twice_both_ways() -> None:
    found = moved(*operations(nn.BatchNorm2d(8)))
    forward, backward = (found["aten.batch_norm", role] for role in (Role.FORWARD, Role.BACKWARD))
    assert (forward.read, forward.written) == (2 * 2 * 128, 2 * 128)
    assert (backward.read, backward.written) == (4 * 2 * 128, 2 * 128)


def test_max_pooling_keeps_places_and_a_clamp_bits() -> None:
    found = moved(*operations(nn.ReLU(), nn.MaxPool2d(2)))
    bits, read = found["aten.relu", Role.FORWARD], found["aten.relu", Role.BACKWARD]
    assert (bits.read, bits.written) == (read.written, read.read) == (0, 2 * 128 // 8)
    forward, backward = (found["aten.max_pool2d", role] for role in (Role.FORWARD, Role.BACKWARD))
    assert (forward.read, forward.written) == (4 * 256, 3 * 256 + 128)
    assert (backward.read, backward.written) == (128, 256)


@pytest.mark.parametrize("between", [[], [nn.ReLU()]])
def test_a_pooling_behind_a_batch_norm_is_computed_with_it(between: list[nn.Module]) -> None:
    """Forward the map is read twice and a quarter of it leaves with its places; backward both come back, twice."""
    found, size = moved(*operations(nn.BatchNorm2d(8), *between, nn.MaxPool2d(2))), 2 * 128
    forward, backward = (found["aten.batch_norm", role] for role in (Role.FORWARD, Role.BACKWARD))
    assert (forward.read, forward.written) == (2 * size, 0)
    assert (backward.read, backward.written) == (2 * size + 2 * size // 2, size)
    pooled = found["aten.max_pool2d", Role.FORWARD]
    assert (pooled.read, pooled.written) == (0, size // 2)
    assert ("aten.max_pool2d", Role.BACKWARD) not in found
    assert ("aten.relu", Role.FORWARD) not in found


class _ReadTwice(nn.Module):
    """A batch norm whose result a pooling and an addition read."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.pool = nn.BatchNorm2d(8), nn.MaxPool2d(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        total: torch.Tensor = self.pool(y) + y
        return total


def test_a_pooling_is_not_the_only_one_to_read_a_norm() -> None:
    found, size = moved(*operations(_ReadTwice())), 2 * 128
    assert found["aten.batch_norm", Role.FORWARD].written == size
    assert found["aten.max_pool2d", Role.FORWARD].read == 4 * size


def test_a_clamp_behind_a_batch_norm_has_no_bits() -> None:
    assert ("aten.relu", Role.FORWARD) not in moved(*operations(nn.BatchNorm2d(8), nn.ReLU()))


class _Sum(nn.Module):
    """Two batch norms and their sum; `again`: another operator reads the second one too."""

    def __init__(self, again: bool) -> None:
        super().__init__()
        self.first, self.second, self.again = nn.BatchNorm2d(8), nn.BatchNorm2d(8), again

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        other = self.second(x)
        total: torch.Tensor = self.first(x) + other
        return total + other if self.again else total


def test_norms_that_are_added_go_over_their_elements_together() -> None:
    """Forward: two maps are read twice and their sum is written. Backward: two maps and one gradient, twice."""
    found, size = moved(*operations(_Sum(again=False))), 2 * 128
    forward, backward = (found["aten.batch_norm", role] for role in (Role.FORWARD, Role.BACKWARD))
    assert (forward.read, forward.written) == (4 * size, size)
    assert (backward.read, backward.written) == (6 * size, 2 * size)
    assert ("aten.add", Role.FORWARD) not in found
    assert found["aten.add", Role.BACKWARD].read == size
    apart = moved(*operations(_Sum(again=True)))
    assert apart["aten.batch_norm", Role.FORWARD].written == 2 * size


def test_equal_operators_are_counted_and_the_loss_is_there() -> None:
    found = moved(attention_softmax(50), attention_softmax(50))
    assert found["aten.softmax", Role.BACKWARD].count == 2
    assert found["aten.softmax", Role.BACKWARD].read == 2 * 2 * 100
    assert (found["loss", Role.FORWARD].read, found["loss", Role.BACKWARD].written) == (20, 20)


class _Sorted(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.cumsum(1)


def test_an_operator_without_a_backward_is_named() -> None:
    with pytest.raises(
        InputError, match=r"operator aten\.cumsum .*: it has no backward here; expected products and .*relu"
    ):
        operations(_Sorted())
