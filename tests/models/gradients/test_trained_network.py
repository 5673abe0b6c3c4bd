"""Networks as training sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.training_model import Role
from skipbeat_models.gradients.trained_network import TrainedNetwork, exported, read_network, trained_network
from skipbeat_models.networks.tiny_resnet import BasicBlock
from skipbeat_models.networks.vision_transformer import VisionTransformer


def trained(model: nn.Module, *shape: int, batch: int = 8) -> TrainedNetwork:
    return trained_network(exported(model, (torch.zeros(shape),), {}), "made", batch)


def test_only_what_follows_a_weight_needs_a_gradient() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), BasicBlock(4, 8, 2), nn.Flatten(), nn.Linear(72, 10))
    found = trained(model, 1, 3, 8, 8)
    assert [each.layer.name for each in found.layers if not each.wanted] == ["0"]
    assert [each.first for each in found.layers] == [True, False, False, False, False]
    assert {(each.images, each.repeats) for each in found.layers} == {(8, 1)}
    stored = sum(parameter.numel() for parameter in model.parameters())
    assert found.weights == stored


def test_tokens_of_an_image_are_a_line_and_attention_has_programs_for_each_head() -> None:
    found = trained(VisionTransformer(16, 2, 1, 8, 4, 10), 1, 3, 8, 8, batch=6)
    qkv, scores = (next(each for each in found.layers if name in each.layer.name) for name in ("qkv", "query-key"))
    assert (qkv.workload.width, qkv.images, qkv.repeats) == (5, 6, 1)
    assert (scores.workload.gemm.p, scores.workload.gemm.c, scores.workload.gemm.k) == (5, 8, 5)
    assert (scores.images, scores.repeats, scores.weights) == (1, 12, 0)
    assert any(each.operator == "aten.softmax" and each.read == 6 * 2 * 25 for each in found.host)


def test_which_derivatives_of_clamps_the_machine_applies() -> None:
    """That of a ReLU between two layers, whose gradient one program makes; the others' bits are the host's.

    A pooling that the machine does may stand between.
    """
    model = nn.Sequential(
        *(nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU()),  # read by the next one; pooled before
        *(nn.MaxPool2d(2), nn.Conv2d(4, 4, 1), nn.ReLU6(), nn.Conv2d(4, 4, 1), nn.ReLU()),  # clamped at 6; a stride
        *(nn.Conv2d(4, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 2), nn.ReLU()),  # a norm; last
        *(nn.Flatten(), nn.Linear(4, 10)),
    )
    graph = exported(model, (torch.zeros(1, 4, 14, 14),), {})
    host, machine = (trained_network(graph, "made", 8, stores=stores) for stores in (False, True))
    assert not any(each.masked for each in host.layers)
    assert [each.layer.name for each in machine.layers if each.masked] == ["2", "5"]

    def bits(network: TrainedNetwork) -> int:
        return sum(each.read + each.written for each in network.host if each.operator.endswith("relu"))

    assert bits(host) - bits(machine) == 2 * 4 * (12 * 12 + 10 * 10)


def test_which_poolings_the_machine_does() -> None:
    """Those of separate windows behind a layer or its clamp, which nothing else reads; then the clamp comes after."""
    model = nn.Sequential(
        *(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),  # the clamp's derivative is the next layer's
        *(nn.Conv2d(4, 4, 3, padding=1), nn.MaxPool2d((2, 1), 2), nn.ReLU()),  # likewise
        *(nn.Conv2d(4, 4, 3, padding=1), nn.MaxPool2d(3, 1)),  # windows that meet
        *(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.MaxPool2d(2)),  # a norm
        *(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU6(), nn.MaxPool2d(1)),  # clamped at 6
        *(nn.Flatten(), nn.Linear(4, 10)),
    )
    graph = exported(model, (torch.zeros(1, 4, 16, 16),), {})
    host, machine = (trained_network(graph, "made", 8, stores=stores) for stores in (False, True))
    assert not any(each.pool for each in host.layers)
    found = {each.layer.name: each.pool and (each.pool.kernel, each.pool.stride) for each in machine.layers}
    assert found == {"0": ((2, 2), (2, 2)), "3": ((2, 1), (2, 2))} | dict.fromkeys(("6", "8", "11", "15"))
    assert [each.layer.name for each in machine.layers if each.masked] == ["3", "6"]
    assert not any(each.operator.endswith("relu") for each in machine.host)

    def moved(network: TrainedNetwork, role: Role) -> int:
        return sum(
            each.read + each.written for each in network.host if "max_pool" in each.operator and each.role is role
        )

    size, pooled = 8 * 4 * (16 * 16 + 8 * 8), 8 * 4 * (8 * 8 + 4 * 4)
    assert moved(host, Role.FORWARD) - moved(machine, Role.FORWARD) == 7 * size + 2 * pooled - 2 * pooled
    assert moved(host, Role.BACKWARD) == moved(machine, Role.BACKWARD)


class _Clamped(nn.Module):
    """Attention whose queries a ReLU makes."""

    def __init__(self) -> None:
        super().__init__()
        self.queries, self.keys = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        keys = self.keys(x)
        return nn.functional.scaled_dot_product_attention(torch.relu(self.queries(x)), keys, keys)


def test_a_clamp_before_a_product_of_two_activations_stays_with_the_host() -> None:
    graph = exported(_Clamped(), (torch.zeros(1, 1, 5, 8),), {})
    host, machine = (trained_network(graph, "made", 8, stores=stores) for stores in (False, True))
    assert not any(each.masked for each in machine.layers)
    assert machine.host == host.host
    assert any(each.operator.endswith("relu") for each in host.host)


def test_a_batch_in_the_example_is_not_counted_twice() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 10))
    one, four = trained(model, 1, 3, 8, 8), trained(model, 4, 3, 8, 8)
    assert [(each.workload, each.images) for each in one.layers] == [
        (each.workload, each.images) for each in four.layers
    ]
    assert one.host == four.host


def test_a_network_of_the_zoo_is_read_without_its_weights() -> None:
    found = read_network("zoo:digits-cnn", 64)
    assert found.weights == 25_866
    assert sum(each.workload.macs for each in found.layers) == 601_600


@pytest.mark.parametrize(
    ("model", "shape", "said"),
    [
        (nn.ConvTranspose2d(3, 4, 2), (1, 3, 4, 4), "transposed conv.*no backward here"),
        (nn.Conv3d(3, 4, 2), (1, 3, 4, 4, 4), "three dimensions has no backward here"),
        (nn.LSTM(4, 4), (5, 1, 4), "no backward here"),
        (nn.ReLU(), (1, 4), "nothing to train"),
    ],
)
def test_what_has_no_backward_is_one_line(model: nn.Module, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        trained(model, *shape)


def test_other_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected zoo:NAME"):
        read_network(str(tmp_path / "model.safetensors"), 8)
    with pytest.raises(InputError, match="tokens belongs to a zoo model"):
        read_network(str(tmp_path / "model.pt2"), 8, tokens=4)
