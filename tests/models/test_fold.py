"""Batch normalisation folded into convolutions: the same function, with the zeros of pruning."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_models.fold import fold_batch_norms
from skipbeat_models.networks import tiny_resnet
from skipbeat_models.pruners.layers import apply_masks, prunable_layers
from skipbeat_models.pruners.magnitude import magnitude_masks


def randomise(model: nn.Module, seed: int) -> None:
    """Statistics and parameters as training might leave them, some of them extreme."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 3, generator=generator)
            module.running_var.uniform_(1e-6, 4, generator=generator)
            nn.init.normal_(module.weight, generator=generator)
            nn.init.normal_(module.bias, generator=generator)


def test_the_folded_network_computes_the_same() -> None:
    model = tiny_resnet.build_network(3).double().eval()
    randomise(model, 1)
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    folded = fold_batch_norms(model)
    with torch.no_grad():
        torch.testing.assert_close(folded(x), model(x), rtol=1e-10, atol=1e-10)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert list(prunable_layers(folded)) == list(prunable_layers(model))


def test_a_convolutions_own_bias_is_kept() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 3, groups=1), nn.BatchNorm2d(3, affine=False)).double().eval()
    norm = model[1]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    norm.running_mean.copy_(torch.tensor([1.0, -2.0, 3.0]))
    x = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(fold_batch_norms(model)(x), model(x))


def test_pruned_weights_stay_pruned() -> None:
    model = tiny_resnet.build_network()
    randomise(model, 5)
    masks = magnitude_masks(model, "1:4")
    apply_masks(model, masks)
    layers = prunable_layers(fold_batch_norms(model))
    for name, mask in masks.items():
        assert torch.equal(layers[name].weight != 0, mask)


class Twice(nn.Module):
    """One convolution and normalisation, used two times."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.bn = nn.BatchNorm2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.bn(self.conv(x))
        total: torch.Tensor = self.bn(self.conv(y)) + y
        return total


class Branch(nn.Module):
    """The convolution's own output is used too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.bn = nn.BatchNorm2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.conv(x)
        total: torch.Tensor = y + self.bn(y)
        return total


class OnData(nn.Module):
    """A forward that depends on its input's values."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1)), "layer 0: expected it after a Conv2d"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.BatchNorm2d(1)), "layer 2: expected it after a Conv2d"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, track_running_stats=False)), "running statistics"),
        (Twice(), "layer bn: expected it after"),
        (Branch(), "layer bn: expected it after"),
        (OnData(), "network OnData: its forward cannot be traced"),
    ],
)
def test_what_cannot_be_folded_is_refused(model: nn.Module, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fold_batch_norms(model)
