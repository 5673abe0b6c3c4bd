"""Which layers are pruned, and masks of torch's weights in their own shape."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import ReductionOrder
from skipbeat_models.pruners import layers as layers_module
from skipbeat_models.pruners.layers import Grouping, apply_masks, groupings, layer_kind, prunable_layers
from skipbeat_models.pruners.magnitude import magnitude_masks
from skipbeat_models.reduction import reduction_matrix
from skipbeat_models.scheme import Scheme
from tests.models.groups import fullest


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
def test_convolution_groups_lie_along_the_chosen_order(order: ReductionOrder) -> None:
    weight = torch.randn(6, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    pruned = weight * Grouping(Pattern.parse("2:4"), order).mask(weight)
    other: ReductionOrder = "cin,kh,kw" if order == "kh,kw,cin" else "kh,kw,cin"
    assert fullest(reduction_matrix(pruned, order), 4) == 2
    assert fullest(reduction_matrix(pruned, other), 4) > 2
    per_tap = (pruned.reshape(6, 2, 4, 3, 3) != 0).sum(dim=2)  # groups of four input channels within a tap
    assert bool((per_tap == 2).all()) == (order == "kh,kw,cin")


@pytest.mark.parametrize(("shape", "channels"), [((6, 8, 3, 3), 0), ((7, 24), 0), ((5, 48), 8)])
def test_some_outputs_after_the_others_give_the_mask_of_all_at_once(
    shape: tuple[int, ...], channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    grouping = Grouping(Pattern.parse("2:4"), channels=channels)
    whole = grouping.mask(weight)
    monkeypatch.setattr(layers_module, "_AT_ONCE", 2 * weight[0].numel())
    assert torch.equal(grouping.mask(weight), whole)


def test_a_linear_layer_behind_a_flattened_map_is_pruned_along_its_channels() -> None:
    weight = torch.randn(5, 8 * 6, generator=torch.Generator().manual_seed(0))  # 8 channels of 6 pixels
    mask = Grouping(Pattern.parse("2:4"), channels=8).mask(weight)
    assert ((mask.reshape(5, 2, 4, 6).sum(dim=2)) == 2).all()
    assert fullest(reduction_matrix(weight * mask), 4) > 2


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_float_can_be_pruned(dtype: torch.dtype) -> None:
    weight = torch.arange(1, 9, dtype=dtype).reshape(2, 4)
    assert Grouping(Pattern.parse("1:4")).mask(weight).tolist() == [[False, False, False, True]] * 2


def small_model() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.Sequential(nn.Conv2d(8, 8, 1, groups=2)), nn.Linear(7, 5)
    )


def test_a_pattern_leaves_first_and_depthwise_dense() -> None:
    model = small_model()
    layers = prunable_layers(model)
    assert {name: layer_kind(layer) for name, layer in layers.items()} == {
        "0": LayerKind.CONVOLUTION,
        "1": LayerKind.DEPTHWISE,
        "2.0": LayerKind.GROUPED,
        "3": LayerKind.LINEAR,
    }
    masks = magnitude_masks(model, "1:4")
    assert set(masks) == {"2.0", "3"}
    apply_masks(model, masks)
    for name, layer in layers.items():
        assert fullest(reduction_matrix(layer.weight), 4) == (1 if name in masks else 4)


def test_a_scheme_says_it_layer_by_layer() -> None:
    model = small_model()
    two, one = Pattern.parse("2:4"), Pattern.parse("1:4")
    assert set(groupings(model, Scheme.everywhere(two))) == {"0", "1", "2.0", "3"}
    found = groupings(model, Scheme(two, (("*", one), ("2.*", Pattern.parse("dense")), ("3", two))))
    assert {name: grouping.pattern for name, (_, grouping) in found.items()} == {"0": one, "1": one, "3": two}
    with pytest.raises(InputError, match=r"'4' *; expected a glob of 0, 1, 2\.0, 3"):
        groupings(model, Scheme(two, (("4", one),)))


def test_masks_must_fit_the_model() -> None:
    model = small_model()
    before = prunable_layers(model)["3"].weight.clone()
    for name, shape in (("nowhere", (5, 7)), ("3", (7, 5))):
        with pytest.raises(InputError, match=f"mask '{name}'"):
            apply_masks(model, {"3": torch.zeros(5, 7, dtype=torch.bool), name: torch.zeros(shape, dtype=torch.bool)})
    assert torch.equal(prunable_layers(model)["3"].weight, before)
