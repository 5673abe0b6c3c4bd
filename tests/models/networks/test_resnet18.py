"""ResNet-18: the architecture of the paper, and what becomes of it without training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.pattern import Pattern
from skipbeat_models.networks import resnet18
from skipbeat_models.prepare import prepare
from skipbeat_models.prepare_seeded import measure_statistics
from skipbeat_models.prepared import PreparedNetwork
from tests.models.groups import fullest

#: Nodes that are pooling, not layers of the paper.
POOLING = {"maxpool", "avgpool"}


@pytest.fixture(scope="module")
def two_of_four() -> PreparedNetwork:
    return prepare("zoo:resnet-18", Pattern.parse("2:4"), seed=1)


def test_it_has_the_papers_size() -> None:
    assert sum(parameter.numel() for parameter in resnet18.build_network().parameters()) == 11_689_512


def test_the_graph_has_the_papers_shapes_and_work(two_of_four: PreparedNetwork) -> None:
    graph = two_of_four.graph
    assert graph.tensor(graph.input).shape == (3, 224, 224)
    shapes = {node.layer.name: node.out_shape for node in graph.nodes}
    assert len(shapes) == 1 + 16 + 3 + 1 + len(POOLING)
    assert shapes["conv1"] == (64, 112, 112)
    assert shapes["maxpool"] == shapes["layer1.0.conv1"] == shapes["layer1.1.conv2"] == (64, 56, 56)
    assert shapes["layer2.0.shortcut.conv"] == shapes["layer2.1.conv2"] == (128, 28, 28)
    assert shapes["layer3.1.conv2"] == (256, 14, 14)
    assert shapes["layer4.1.conv2"] == (512, 7, 7)
    assert (shapes["avgpool"], shapes["fc"]) == ((512, 1, 1), (1000, 1, 1))
    assert sum(node.residual is not None for node in graph.nodes) == 8
    macs = sum(node.convolution.macs for node in graph.nodes if node.layer.name not in POOLING)
    assert macs == 1_814_073_344


def test_all_layers_but_the_first_keep_the_pattern(two_of_four: PreparedNetwork) -> None:
    counts = {
        node.layer.name: fullest(node.layer.weight, 4)
        for node in two_of_four.graph.nodes
        if node.layer.name not in POOLING
    }
    assert counts.pop("conv1") == 4
    assert set(counts.values()) == {2}


def test_the_images_use_the_range_of_int8(two_of_four: PreparedNetwork) -> None:
    assert (two_of_four.images.shape, two_of_four.images.dtype.name) == ((8, 3, 224, 224), "int8")
    assert all(np.abs(image.astype(int)).max() >= 100 for image in two_of_four.images)


def test_statistics_are_those_of_the_images() -> None:
    images = torch.rand(3, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.BatchNorm2d(2))
    measure_statistics(model, images)
    normalised = model(images)
    assert not model.training
    assert torch.allclose(normalised.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(normalised.var(dim=(0, 2, 3)), torch.ones(2), atol=1e-2)
