"""Networks with branches as graphs: what joins what, and how close the integers are to the float network."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.networks import tiny_resnet
from skipbeat_models.quantise_graph import QuantisedGraph, quantise_graph


def images(count: int, shape: tuple[int, int, int], seed: int = 1) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def seeded(model: nn.Module, seed: int = 7) -> nn.Module:
    """Weights of a size that keeps activations alive, from a seed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            fan_in = max(1, parameter[0].numel()) if parameter.dim() > 1 else 4
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * (2 / fan_in) ** 0.5)
    return model.eval()


def logits(quantised: QuantisedGraph, x: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values = run_graph(quantised.graph, quantised.quantise_images(x.numpy()))
    return values[quantised.graph.output][:, :, 0, 0].astype(np.float64) * quantised.logit_scale


def test_the_tiny_resnets_nodes() -> None:
    model = tiny_resnet.build_network(1)
    quantised = quantise_graph(model, images(8, (1, 8, 8)).abs())
    nodes = [(node.layer.name, node.input, node.residual, node.layer.low) for node in quantised.graph.nodes]
    assert nodes == [
        ("conv", "input", None, 0),
        ("block1.conv1", "conv", None, 0),
        ("block1.conv2", "block1.conv1", "conv", 0),
        ("block2.conv1", "block1.conv2", None, 0),
        ("block2.conv2", "block2.conv1", None, -128),
        ("block2.shortcut.conv", "block1.conv2", "block2.conv2", 0),
        ("block3.depthwise", "block2.shortcut.conv", None, 0),
        ("block3.pointwise", "block3.depthwise", "block2.shortcut.conv", 0),
        ("pool", "block3.pointwise", None, -128),
        ("fc", "pool", None, -128),
    ]
    assert [node.raw for node in quantised.graph.nodes] == [False] * 9 + [True]
    assert list(quantised.scales) == [tensor.name for tensor in quantised.graph.tensors]
    for node in quantised.graph.nodes:
        if node.residual is not None:
            assert node.layer.multiplier is not None
            assert node.layer.shift is not None
            assert node.residual_multiplier is not None
            ratio = quantised.scales[node.residual] / quantised.scales[node.output]
            np.testing.assert_allclose(node.residual_multiplier / 2.0**node.layer.shift, ratio, rtol=1e-8)


class Zoo(nn.Module):
    """Additions and poolings of every kind that the accelerator takes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.max = nn.MaxPool2d(3, 2, padding=1)
        self.again = nn.Conv2d(8, 8, 3, padding=1)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.halve = nn.AvgPool2d(2)
        self.signed = nn.Conv2d(8, 8, 1)
        self.drop = nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(8 * 4 * 3, 12), nn.Linear(12, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.max(torch.relu(self.stem(x)))  # overlapping windows: a node of its own
        y = self.again(x).relu()
        x = x + y  # after a ReLU: a node of its own
        z = self.again(x)  # the same weights once more
        z += x  # joins the convolution
        x = nn.functional.relu(z)
        x = self.halve(x) + self.halve(self.grouped(x))  # of two averages
        x = self.drop(self.signed(x)) + x
        x = torch.flatten(nn.functional.relu(x), 1)
        result: torch.Tensor = self.fc2(self.drop(self.fc1(x)).relu())
        return result


def test_every_kind_of_addition_and_pooling_is_close_to_float() -> None:
    model, x = seeded(Zoo()), images(16, (3, 16, 12))
    before = x.clone()
    quantised = quantise_graph(model, x, "cin,kh,kw")
    assert torch.equal(x, before)
    with torch.no_grad():
        expected = model(x).numpy()
    assert np.square(logits(quantised, x) - expected).mean() < 0.1**2 * np.square(expected).mean()
    nodes = {node.layer.name: node for node in quantised.graph.nodes}
    assert list(nodes) == [
        "stem",
        "max",
        "again",
        "add",
        "again#2",
        "halve",
        "grouped",
        "halve#2",
        "add#2",
        "signed",
        "fc1",
        "fc2",
    ]
    assert [name for name, node in nodes.items() if node.residual] == ["add", "again#2", "add#2", "signed"]
    assert [name for name, node in nodes.items() if node.pool] == ["max"]
    assert [nodes[name].layer.low for name in ("stem", "max", "again", "again#2", "signed", "fc1")] == [
        0,
        -128,
        0,
        0,
        0,
        0,
    ]


@pytest.mark.parametrize("scale", [1e-6, 1e-2, 1.0, 1e2, 1e6])
def test_residuals_of_any_size(scale: float) -> None:
    """The branch is far larger or smaller than what it is added to; the sum is right to a unit or two."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.branch, self.last = nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.first(x)
            result: torch.Tensor = self.last(self.branch(x) + x)
            return result

    model, x = seeded(Block()), images(8, (2, 3, 3))
    assert isinstance(model, Block)
    with torch.no_grad():
        model.branch.weight *= scale
    quantised = quantise_graph(model, x)
    values = run_graph(quantised.graph, quantised.quantise_images(x.numpy()))
    with torch.no_grad():
        first = model.first(x)
        expected = (model.branch(first) + first).numpy()
    assert np.abs(values["branch"] * quantised.scales["branch"] - expected).max() < 0.03 * np.abs(expected).max()


def test_cancelling_branches_do_not_need_an_impossible_scale() -> None:
    class Cancel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.minus, self.last = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1), nn.Conv2d(1, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.one(x)
            result: torch.Tensor = self.last(self.minus(x) + x)
            return result

    model = Cancel().eval()
    with torch.no_grad():
        for layer, weight in ((model.one, 1.0), (model.minus, -1.0)):
            layer.weight.fill_(weight)
            nn.init.zeros_(layer.bias if layer.bias is not None else layer.weight)
    x = torch.ones(1, 1, 2, 2)
    quantised = quantise_graph(model, x)
    values = run_graph(quantised.graph, quantised.quantise_images(x.numpy()))
    assert (np.abs(values["minus"] * quantised.scales["minus"]) < 1 / 64).all()


class Call(nn.Module):
    """A function before a linear layer."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.conv, self.fc = nn.Conv2d(1, 1, 1), nn.Linear(16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        if self.kind == "sigmoid":
            y = torch.sigmoid(y)
        elif self.kind == "number":
            y = y + 1
        elif self.kind == "weighted":
            y = torch.add(y, x, alpha=2)
        elif self.kind == "relu of input":
            y = self.conv(torch.relu(x))
        elif self.kind == "overwritten":
            z = self.conv(y)
            alias = y
            y += z
            y = self.conv(alias) + y
        elif self.kind == "shape":
            y = y + self.conv(nn.functional.relu(self.conv(x)))[:, :, :1]
        result: torch.Tensor = self.fc(torch.flatten(y, 1 if self.kind != "flatten all" else 0))
        return result


def test_a_tensor_that_is_overwritten_is_read_as_it_becomes() -> None:
    model, x = seeded(Call("overwritten")), images(8, (1, 4, 4))
    with torch.no_grad():
        expected = model(x).numpy()
    found = logits(quantise_graph(model, x), x)
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("sigmoid", r"layer sigmoid: aten\.sigmoid is not supported here; expected convolutions"),
        ("number", r"layer add: aten\.add is not supported here"),
        ("weighted", r"layer add: aten\.add is not supported here"),
        ("relu of input", r"layer relu: aten\.relu is not supported here"),
        ("shape", r"layer add: aten\.add is not supported here"),
        ("flatten all", "model Call does not export"),
    ],
)
def test_unsupported_functions_are_refused(kind: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        quantise_graph(Call(kind).eval(), torch.ones(2, 1, 4, 4))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, track_running_stats=False)), "layer 1: aten"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()), "last module to be a Linear or a Conv2d"),
        (nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 1)), "layer 0: aten.relu is not supported"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.AdaptiveAvgPool2d(3), nn.Conv2d(1, 1, 1)), "layer 1: .*_avg_pool2d"),
        (nn.Sequential(nn.AvgPool2d(3, padding=1, count_include_pad=False), nn.Conv2d(1, 1, 1)), "layer 0: .*_pool2d"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.MaxPool2d(3, 2, 1), nn.Conv2d(1, 1, 1)), "layer 1: .*no value is neg"),
        (nn.Sequential(nn.MaxPool2d(3, ceil_mode=True), nn.Conv2d(1, 1, 1)), r"layer 0: aten\.max_pool2d"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")), "expected it to read the images"),
        (nn.Sequential(nn.Conv2d(1, 1, 2, padding="same")), "expected it to read the images as they are"),
        (nn.Sequential(nn.ConvTranspose2d(1, 1, 2)), r"layer 0: aten\.conv_transpose2d is not supported"),
        (nn.Sequential(nn.Flatten(), nn.Linear(15, 2)), "model Sequential does not export"),
        (nn.Sequential(nn.Conv2d(1, 4, 1), nn.Linear(4, 2)), "layer 1: expected that it reads what layers before it"),
        (nn.Sequential(nn.Linear(4, 2)), "layer 0: expected it to read the images as they are"),
        (nn.Sequential(nn.Flatten()), "network to quantise: it has no layer"),
        (nn.Sequential(), "network to quantise: it has no layer"),
    ],
)
def test_unsupported_modules_are_refused(model: nn.Sequential, message: str) -> None:
    with pytest.raises(InputError, match=message):
        quantise_graph(model.eval(), torch.ones(2, 1, 4, 4))


def test_bad_calibration_is_refused() -> None:
    model = nn.Conv2d(1, 1, 1)
    for bad in (torch.ones(1, 4, 4), torch.ones(0, 1, 4, 4), torch.full((1, 1, 4, 4), float("nan"))):
        with pytest.raises(InputError, match="calibration data"):
            quantise_graph(nn.Sequential(model), bad)


def test_without_its_residuals_a_network_is_another() -> None:
    """The closeness above is worth something: it is lost when one residual is."""
    model, x = seeded(Zoo()), images(16, (3, 16, 12))
    quantised = quantise_graph(model, x)
    with torch.no_grad():
        expected = model(x).numpy()
    for number, node in enumerate(quantised.graph.nodes):
        if node.residual is not None:
            nodes = list(quantised.graph.nodes)
            nodes[number] = dataclasses.replace(node, residual=None, residual_multiplier=None)
            other = dataclasses.replace(quantised, graph=dataclasses.replace(quantised.graph, nodes=tuple(nodes)))
            assert np.square(logits(other, x) - expected).mean() > 0.2**2 * np.square(expected).mean(), node.output
