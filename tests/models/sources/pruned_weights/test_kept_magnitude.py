"""What pruning keeps, of made and of trained weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.model import KeptMagnitude
from skipbeat_arch.pattern import Pattern
from skipbeat_models.digits_data import DigitsData
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources.module import from_module
from skipbeat_models.sources.pruned_weights.kept_magnitude import kept_magnitude


def test_sums_of_both_orders() -> None:
    weight = torch.tensor([4.0, -3, 2, 1, 0, 0, 0, 0]).reshape(1, 1, 8, 1, 1)
    order = np.array([0, 4, 2, 3, 1, 5, 6, 7])
    found = kept_magnitude(weight[:, :, torch.from_numpy(order)], Pattern.parse("2:4"), order)
    assert found == KeptMagnitude(whole=10.0, natural=7.0, permuted=9.0)
    same = kept_magnitude(weight.bfloat16(), Pattern.parse("2:4"), None)
    assert same == KeptMagnitude(whole=10.0, natural=7.0, permuted=7.0)
    assert found + same == KeptMagnitude(whole=20.0, natural=14.0, permuted=16.0)
    assert (found.natural_share, found.permuted_share) == (0.7, 0.9)


@pytest.mark.parametrize("pattern", ["2:4", "1:4", "2:8"])
def test_of_trained_weights_more_is_kept_in_every_layer(
    trained_digits: tuple[nn.Module, DigitsData], pattern: str
) -> None:
    model, data = trained_digits
    scheme = Scheme.parse(pattern).permuted()
    found = from_module(model, (data.train_images[:1],), name="digits", scheme=scheme)
    kept = {layer.name: layer.kept for layer in found.layers if layer.kept is not None}
    assert set(kept) == {"conv2", "conv3", "fc"}
    for name, each in kept.items():
        assert each.permuted > each.natural, name
    total = sum(kept.values(), KeptMagnitude(whole=0.0, natural=0.0, permuted=0.0))
    assert total.permuted_share > total.natural_share + 0.004
