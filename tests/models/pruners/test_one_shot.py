"""Pruning in one call: methods, schemes, and the accuracy that each leaves on the digits."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_models.digits_data import DigitsData
from skipbeat_models.pruners import one_shot
from skipbeat_models.pruners.one_shot import prune_model
from skipbeat_models.reduction import reduction_matrix
from skipbeat_models.scheme import Method
from skipbeat_models.training import evaluate
from tests.models.groups import fullest


def test_accuracy_on_the_digits(trained_digits: tuple[nn.Module, DigitsData]) -> None:
    model, data = trained_digits
    before = {name: value.clone() for name, value in model.state_dict().items()}
    calibration = [data.train_images[:128]]
    methods: tuple[Method, ...] = ("random", "magnitude", "constant-fan-in", "wanda")
    found = {
        method: evaluate(prune_model(model, "2:8", method=method, calibration=calibration), data) for method in methods
    }
    assert found["random"] < 60
    assert found["magnitude"] == found["constant-fan-in"], "N:M has a constant fan-in"
    assert found["magnitude"] >= 75
    assert found["wanda"] >= 75
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())


def test_a_scheme_prunes_layer_by_layer(trained_digits: tuple[nn.Module, DigitsData], tmp_path: Path) -> None:
    model, data = trained_digits
    file = tmp_path / "mine.yaml"
    file.write_text('{default: "2:4", layers: {conv3: {n: 1, m: 8}, fc: dense}, method: wanda}')
    pruned = prune_model(model, str(file), calibration=[data.train_images[:16]])
    layers = {name: module for name, module in pruned.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    counts = {
        name: (fullest(reduction_matrix(layer.weight), 4), fullest(reduction_matrix(layer.weight), 8))
        for name, layer in layers.items()
    }
    assert counts == {"conv1": (4, 8), "conv2": (2, 4), "conv3": (1, 1), "fc": (4, 8)}
    with pytest.raises(InputError, match="'wanda': expected calibration data"):
        prune_model(model, str(file))


def test_the_seed_is_that_of_random_masks() -> None:
    model = nn.Sequential(nn.Linear(64, 8), nn.Linear(64, 8))
    first, again, other = (prune_model(model, "2:4", method="random", seed=seed) for seed in (1, 1, 2))
    masks = [
        [layer.weight != 0 for layer in pruned if isinstance(layer, nn.Linear)] for pruned in (first, again, other)
    ]
    assert torch.equal(masks[0][0], masks[1][0])
    assert not torch.equal(masks[0][0], masks[2][0])
    assert not torch.equal(masks[0][0], masks[0][1]), "layers of one shape have masks of their own"


def test_dense_is_a_copy() -> None:
    model = nn.Linear(4, 4)
    copy = prune_model(model, "dense")
    assert copy is not model
    assert torch.equal(copy.weight, model.weight)


def test_wrong_wishes() -> None:
    with pytest.raises(InputError, match="pruning method 'guess': expected one of magnitude, constant-fan-in"):
        prune_model(nn.Linear(4, 4), "2:4", method=cast(Method, "guess"))
    with pytest.raises(InputError, match="expected a Linear or Conv2d layer"):
        prune_model(nn.Sequential(nn.ReLU()), "2:4")
    broken = nn.Linear(4, 4)
    broken.weight.data.fill_(torch.nan)
    with pytest.raises(InputError, match="finite"):
        prune_model(broken, "2:4")


def test_the_documentation_is_true() -> None:
    assert doctest.testmod(one_shot).failed == 0
