"""Concatenations: ranges of one tensor where a program can have them, and the host's work elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import Module

from skipbeat_arch.graph import Graph
from tests.models.sources.described import describe
from tests.skipbeat.ordinary_networks import Parts, conv, images

Forward = Callable[..., torch.Tensor]


def runs(forward: Forward, **parts: Module) -> list[Graph]:
    """The runs of a network with convolutions `a` (3 to 6 channels), `b` (6 to 5) and others."""
    model = Parts(forward, a=conv(3, 6), b=conv(6, 5), **parts)
    return [run.graph() for run in describe(model.eval(), images()).runs]


def joined(*parts: torch.Tensor) -> torch.Tensor:
    return torch.cat(parts, 1)


def test_parts_are_ranges_and_what_is_joined_already_is_one_part() -> None:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        first = m.a(x)
        second = m.b(first)
        third = m.c(joined(first, second))
        result: torch.Tensor = m.last(joined(first, second, third))
        return result

    (graph,) = runs(forward, c=conv(11, 4), last=conv(15, 2))
    parts = {tensor.name: tensor.parts for tensor in graph.tensors if tensor.parts}
    assert parts == {"cat": (("a", 0), ("b", 6)), "cat#2": (("cat", 0), ("c", 11))}
    assert [node.input for node in graph.nodes] == ["input", "a", "cat", "cat#2"]


def test_a_part_that_lies_elsewhere_or_is_given_is_copied() -> None:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = m.last(joined(y := m.a(x), y, m.norm(x)))
        return result

    (graph,) = runs(forward, norm=nn.BatchNorm2d(3), last=conv(15, 2))
    (whole,) = (tensor for tensor in graph.tensors if tensor.parts)
    assert [first for _, first in whole.parts] == [0, 6, 12]
    assert len({name for name, _ in whole.parts}) == 3
    assert len(graph.nodes) == 4


@pytest.mark.parametrize(
    "forward",
    [
        lambda m, x: joined(y := m.a(x), m.b(y)),
        lambda m, x: torch.sin(joined(y := m.a(x), m.b(y))),
        lambda m, x: m.b(m.a(x)).sin() + torch.cat([m.b(m.a(x)), m.b(m.a(x))], 0).sum(0),
        lambda m, x: torch.cat([y := m.a(x), m.b(y).repeat(1, 1, 2, 1)[:, :, ::2]], 1).sin(),
        lambda m, x: m.norm(joined(y := m.a(x), m.b(y))),
        lambda m, x: m.grouped(joined(y := m.a(x), y)),
        lambda m, x: m.wide(x) + joined(y := m.a(x), m.b(y)),
        lambda m, x: m.last(joined(y := m.a(x), torch.sigmoid(y))),
    ],
)
def test_it_is_the_hosts_where_channels_must_follow_one_another(forward: Forward) -> None:
    parts = {"norm": nn.BatchNorm2d(11), "grouped": nn.Conv2d(12, 4, 1, groups=2)}
    found = runs(forward, **parts, wide=conv(3, 11), last=conv(12, 2))
    assert not [tensor for graph in found for tensor in graph.tensors if tensor.parts]
