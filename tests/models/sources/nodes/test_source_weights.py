"""Batch normalisation folded into layers: the same function, with the zeros of pruning."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_models.networks import tiny_resnet
from skipbeat_models.pruners.layers import apply_masks
from skipbeat_models.pruners.magnitude import magnitude_masks
from skipbeat_models.sources.layers.reading import read_operators
from skipbeat_models.sources.nodes.operation import Kind
from skipbeat_models.sources.nodes.partition import partition
from skipbeat_models.sources.nodes.weights import layer_numbers
from skipbeat_models.sources.tracing.exported import export_module

Numbers = dict[str, tuple[torch.Tensor, torch.Tensor]]


def numbers(model: nn.Module, *inputs: torch.Tensor) -> Numbers:
    """Weights and biases of the nodes of a model."""
    graph = export_module(model, inputs, {})
    readings, constants = read_operators(graph)
    operations = [operation for run in partition(graph, readings, constants).runs for operation in run]
    return {each.name: layer_numbers(each, constants) for each in operations if each.kind is Kind.LAYER}


def randomise(model: nn.Module, seed: int) -> None:
    """Statistics and parameters as training might leave them, some of them extreme."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 3, generator=generator)
            module.running_var.uniform_(1e-6, 4, generator=generator)
            if module.affine:
                nn.init.normal_(module.weight, generator=generator)
                nn.init.normal_(module.bias, generator=generator)


CASES: dict[str, tuple[nn.Sequential, tuple[int, ...]]] = {
    "without bias": (nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3)), (2, 2, 5, 5)),
    "own bias": (nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)), (2, 2, 5, 5)),
    "grouped": (nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6)), (2, 4, 5, 5)),
    "without parameters": (nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, affine=False, eps=0.1)), (2, 2, 5, 5)),
    "linear": (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), (5, 4)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_folded_layer_computes_the_same(case: str) -> None:
    model, shape = CASES[case]
    model = model.double().eval()
    randomise(model, 1)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    ((weight, bias),) = numbers(model, x).values()
    with torch.no_grad():
        if x.dim() == 2:
            found = x @ weight[:, :, 0, 0].t() + bias
        else:
            found = nn.functional.conv2d(x, weight, bias, groups=x.shape[1] // weight.shape[1])
        torch.testing.assert_close(found, model(x), rtol=1e-10, atol=1e-10)


def test_every_norm_of_a_network_is_folded() -> None:
    model = tiny_resnet.build_network(3).double().eval()
    randomise(model, 1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = numbers(model, torch.zeros(2, 1, 8, 8, dtype=torch.float64))
    for name, (weight, _) in found.items():
        parameter = model.get_parameter(f"{name}.weight")
        assert torch.equal(weight.flatten(), parameter.flatten()) == (name == "fc")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_pruned_weights_stay_pruned() -> None:
    model = tiny_resnet.build_network().eval()
    randomise(model, 5)
    masks = magnitude_masks(model, "1:4")
    apply_masks(model, masks)
    found = numbers(model, torch.zeros(2, 1, 8, 8))
    for name, mask in masks.items():
        assert torch.equal(found[name][0].reshape(mask.shape) != 0, mask)


def test_a_layer_that_is_used_twice_is_folded_twice() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.one, self.two = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2), nn.BatchNorm2d(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.one(self.conv(x))
            total: torch.Tensor = self.two(self.conv(y)) + y
            return total

    model = Twice().eval()
    randomise(model, 4)
    first, second = (weight for weight, _ in numbers(model, torch.zeros(1, 2, 3, 3)).values())
    assert not torch.equal(first, second)


def test_biases_that_are_added_are_the_layers() -> None:
    class Added(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.more = nn.Linear(4, 3), nn.Parameter(torch.tensor([1.0, 2, 3]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            total: torch.Tensor = self.fc(x) + self.more
            return total

    model = Added()
    ((_, bias),) = numbers(model, torch.zeros(2, 4)).values()
    torch.testing.assert_close(bias, (model.fc.bias + model.more).detach().double())
