"""Runs of nodes: the graphs that are priced are those that are quantised, and every layer is in one run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.model import ModelRun
from skipbeat_mapper.search.timed_network import time_network
from skipbeat_models import zoo
from skipbeat_models.networks import resnet9
from skipbeat_models.prepare import prepare
from skipbeat_models.prepare_seeded import measure_statistics
from skipbeat_models.quantise_graph import quantise_graph
from skipbeat_models.reduction import weight_from_matrix
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import from_module, load_source
from tests.models.sources.described import Function, assert_complete, describe


def assert_alike(run: ModelRun, quantised: Graph) -> None:
    """The same nodes between the same tensors, with zeros at the same places."""
    found = run.graph()
    assert [tensor.shape for tensor in found.tensors] == [tensor.shape for tensor in quantised.tensors]
    places = [{tensor.name: i for i, tensor in enumerate(graph.tensors)} for graph in (found, quantised)]
    for node, other, layer in zip(found.nodes, quantised.nodes, run.layers, strict=True):
        assert replace(node.convolution, order="kh,kw,cin") == other.convolution
        assert (node.pool, node.raw) == (other.pool, other.raw)
        assert layer in (None, other.layer.name)
        for mine, theirs in ((node.input, other.input), (node.output, other.output), (node.residual, other.residual)):
            assert (mine is None) == (theirs is None)
            assert mine is None or theirs is None or places[0][mine] == places[1][theirs]
        np.testing.assert_array_equal(zeros(node), zeros(other), err_msg=node.layer.name)


def zeros(node: Node) -> BoolArray:
    """Where the weight [K, C / groups, kh, kw] is zero, whatever the order of the reduction axis."""
    conv, weight = node.convolution, node.layer.weight
    matrix = weight if weight.ndim == 2 else weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
    shape = (conv.c_out, conv.c_in // conv.groups, *conv.kernel)
    found: BoolArray = weight_from_matrix(torch.from_numpy(matrix == 0), shape, conv.order).numpy()
    return found


@pytest.mark.parametrize(
    "name",
    [
        "digits-cnn",
        "tiny-resnet",
        "resnet-9",
        "resnet-18",
        pytest.param("resnet-50", marks=pytest.mark.slow),
        pytest.param("mobilenet-v2", marks=pytest.mark.slow),
        pytest.param("vgg-16", marks=pytest.mark.slow),
    ],
)
@pytest.mark.usefixtures("trained_before")
def test_what_is_priced_is_what_is_simulated(name: str) -> None:
    (run,) = load_source(f"zoo:{name}", scheme=Scheme.parse("2:4")).runs
    assert_alike(run, prepare(f"zoo:{name}", "2:4").graph)


def test_a_dense_network_has_the_zeros_of_int8() -> None:
    model, images = resnet9.build_network(0), torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    measure_statistics(model, images)
    (run,) = from_module(model, (images,), name="resnet-9").runs
    assert run.repeats == 2
    assert_alike(run, quantise_graph(model, images).graph)
    assert not all(node.layer.weight.all() for node in run.graph().nodes)


@pytest.mark.parametrize(
    ("name", "different"),
    [("mobilenet-v2", 1), ("deit-s", 52), ("vit-b-16", 8), ("bert-base", 6), ("gpt-2", 7), ("gpt-2-decode", 7)],
)
def test_every_layer_of_the_zoo_is_in_one_run(name: str, different: int) -> None:
    found = load_source(f"zoo:{name}", scheme=Scheme.parse("2:4"))
    assert_complete(found)
    assert len({run.key for run in found.runs}) == different  # blocks without weights of their own are alike


@pytest.mark.slow
def test_a_large_language_models_blocks_are_priced_once() -> None:
    found = load_source("zoo:llama-2-7b-decode", scheme=Scheme.parse("2:4"))
    assert len(found.runs) == len(found.layers) > 200
    assert len({run.key for run in found.runs}) < 10
    assert sum(layer.macs_dense for layer in found.layers) == zoo.find("zoo:llama-2-7b-decode").macs


def test_batches_heads_phases_and_steps_repeat() -> None:
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 4, 3, stride=2), nn.SiLU(), nn.Flatten(), nn.Linear(324, 5)
    )
    found = describe(model, torch.zeros(3, 4, 6, 6))
    assert_complete(found)
    assert [(run.layers, run.repeats) for run in found.runs] == [(("0",), 3), *[(("2",), 3)] * 4, (("5",), 3)]
    assert found.runs[-1].graph().nodes[0].convolution.kernel == (9, 9)  # what the host makes lies as a map, too
    assert_complete(describe(nn.LSTM(5, 8, num_layers=2), torch.zeros(7, 2, 5)))
    found = describe(nn.GRU(5, 8), torch.zeros(150, 2, 5))
    assert [(run.repeats, run.again) for run in found.runs] == [(1, False), (1, False), (149, True)]
    found = describe(nn.MultiheadAttention(8, 2, batch_first=True), *[torch.zeros(2, 5, 8)] * 3)
    assert_complete(found)


def test_a_run_ends_where_a_tensor_is_needed_elsewhere() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.three, self.four = (nn.Linear(8, 8) for _ in range(4))

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            y = self.two(torch.relu(self.one(x)))  # the host needs y
            z = self.three(y) + y  # the addition has one input for both
            return self.four(torch.tanh(y)) + z, z

    found = describe(Branches(), torch.zeros(6, 8))
    assert [run.layers for run in found.runs] == [("one", "two"), ("three",), ("four",)]
    assert [run.graph().nodes[-1].residual for run in found.runs] == [None, "input", None]
    assert [(host.operator, host.fused) for host in found.host_operators] == [
        ("aten.relu", True),
        ("aten.add", True),
        ("aten.tanh", False),
        ("aten.add", False),
    ]


def test_additions_pools_and_clamps() -> None:
    def forward(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        x = torch.relu(nn.functional.conv2d(x, w))
        x = nn.functional.max_pool2d(x, 3, 2, padding=1)  # overlapping windows: a node of its own
        y = torch.clamp(nn.functional.conv2d(x, w) + b, -1, 1) + x  # after a clamp: a node of its own
        return y.mean((2, 3))

    w, b = torch.ones(4, 4, 1, 1), torch.ones(4, 1, 1)
    found = describe(Function(forward, w=w, b=b), torch.zeros(1, 4, 9, 9))
    (run,) = found.runs
    nodes = run.graph().nodes
    assert [name is None for name in run.layers] == [False, True, False, True, True]
    assert [node.residual is not None for node in nodes] == [False, False, False, True, False]
    assert [node.pool is not None for node in nodes] == [False, True, False, False, False]
    assert nodes[-1].convolution.kernel == (5, 5)
    assert all(host.fused for host in found.host_operators)


def test_a_value_that_is_overwritten_is_left_alone() -> None:
    def forward(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        y = nn.functional.linear(x, w)
        view = y.view(2, 3, 8)
        y.relu_()
        return nn.functional.linear(view, w)

    found = describe(Function(forward, w=torch.ones(8, 8)), torch.zeros(6, 8))
    assert [host.fused for host in found.host_operators] == [False]
    assert len(found.runs) == 2


def test_a_pattern_along_a_flattened_map_takes_the_clocks_of_the_network_that_runs() -> None:
    """The zeros lie in groups of the flattened map, which the machine reads channel by channel."""
    torch.manual_seed(0)
    last = nn.Linear(16 * 16, 32)
    model = nn.Sequential(nn.Conv2d(4, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), last).eval()
    groups = last.weight.data.view(32, -1, 4)
    groups.scatter_(-1, groups.abs().argsort(-1)[..., :2], 0.0)
    given, machine = torch.randn(1, 4, 4, 4), Machine.of(load_hardware("tiny-4x4"))
    found = describe(model, given)
    assert str(found.layers[-1].pattern) == "2:4"
    (run,) = found.runs
    ran = quantise_graph(model, given).graph
    assert time_network(run.graph(), machine).timing.cycles == time_network(ran, machine).timing.cycles
