"""Descriptions survive being written down: all fields, all zeros, and the graphs of their runs."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from skipbeat_arch.graph import Graph
from skipbeat_arch.model import ModelDescription, WeightZeros
from skipbeat_models.planned_run import PlannedGraph
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import from_module, load_source
from skipbeat_models.stored_description import from_bytes, to_bytes


def told(value: object) -> object:
    """What there is to compare of anything in a description."""
    if isinstance(value, WeightZeros):
        nonzero = value.nonzero()
        return value.key, nonzero.dtype, nonzero.shape, np.packbits(nonzero).tobytes()
    if isinstance(value, PlannedGraph):
        return told_graph(value()), told(value.nodes)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # What makes other graphs follows from the graph.
        names = [field.name for field in dataclasses.fields(value) if field.name not in ("counted", "block")]
        return type(value), [(name, told(getattr(value, name))) for name in names]
    return [told(each) for each in value] if isinstance(value, tuple) else (type(value), value)


def told_graph(graph: Graph) -> object:
    return graph.tensors, [
        (node.layer.name, node.convolution, node.layer.weight.tobytes(), node.input, node.residual, node.pool)
        for node in graph.nodes
    ]


class Small(nn.Module):
    """A pool, a residual, a strided and a depthwise convolution, a concatenation and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.third, self.depthwise = nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1, groups=8)
        self.last = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(self.first(x).relu(), 2)
        x = (self.second(x) + x).relu()
        x = torch.cat([self.third(x).relu(), self.depthwise(x).relu()], 1)
        last: torch.Tensor = self.last(x.mean((2, 3)))
        return last


def small(plan: str | None, device: str = "cpu") -> ModelDescription:
    scheme = None if plan is None else Scheme.of(plan)
    with torch.device(device):
        return from_module(Small().eval(), (torch.zeros(2, 3, 16, 16),), name="small", scheme=scheme)


@pytest.mark.parametrize(("plan", "device"), [("2:4", "cpu"), ("unstructured:0.3", "meta"), (None, "meta")])
def test_all_of_a_description_comes_back(plan: str | None, device: str) -> None:
    check(small(plan, device))


def test_a_transformer_comes_back() -> None:
    check(load_source("zoo:vit-tiny", scheme=Scheme.of("2:4"), batch=2))


def check(description: ModelDescription) -> None:
    content = to_bytes(description)
    assert content is not None
    assert told(from_bytes(content)) == told(description)


def test_zeros_that_only_the_source_has_are_not_written() -> None:
    description = small(None)
    (part,) = description.layers[0].parts
    weight = WeightZeros(key=part.weight.key, nonzero=lambda: part.weight.nonzero())
    layer = dataclasses.replace(description.layers[0], parts=(dataclasses.replace(part, weight=weight),))
    assert to_bytes(dataclasses.replace(description, layers=(layer, *description.layers[1:]))) is None


def packed(text: bytes) -> bytes:
    content = zlib.compress(text)
    return len(content).to_bytes(8, "little") + content


#: Nested without end, more zeros than can be counted, and a run whose graph is a name.
HOSTILE = (
    b"[" * 100_000,
    b'[null, [{"bits": [' + b"9" * 40 + b'], "digest": ""}]]',
    b'[{"is": "ModelRun", "graph": "run"}, []]',
)


@pytest.mark.parametrize("content", [b"", bytes(20), b"\x02" + bytes(7) + b"{}", *map(packed, HOSTILE)])
def test_other_bytes_are_no_description(content: bytes) -> None:
    with pytest.raises(ValueError, match="no description"):
        from_bytes(content)
