"""Properties of magnitude pruning, for any shape and pattern."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import ReductionOrder
from skipbeat_models.prune import (
    apply_masks,
    first_and_depthwise,
    magnitude_mask,
    measure,
    prunable_layers,
    prune_masks,
    weight_mask,
)
from skipbeat_models.reduction import reduction_matrix

SEED = st.integers(0, 2**31)
ROWS = st.integers(1, 40)
COLS = st.integers(1, 6)


@st.composite
def nm_patterns(draw: st.DrawFn) -> Pattern:
    m = draw(st.integers(2, 32))
    return Pattern.parse(f"{draw(st.integers(1, m))}:{m}")


def matrix(seed: int, rows: int, cols: int, *, ties: bool = False) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if ties:
        return torch.randint(-2, 3, (rows, cols), generator=generator).double()
    return torch.randn((rows, cols), generator=generator)


@given(nm_patterns(), SEED, ROWS, COLS, st.booleans())
def test_each_group_keeps_its_n_largest(pattern: Pattern, seed: int, rows: int, cols: int, ties: bool) -> None:
    values = matrix(seed, rows, cols, ties=ties)
    mask = magnitude_mask(values, pattern)
    for start in range(0, rows, pattern.m):
        for column in range(cols):
            group = values[start : start + pattern.m, column].abs()
            kept = mask[start : start + pattern.m, column]
            assert int(kept.sum()) == min(pattern.n, len(group))
            if not bool(kept.all()):
                assert group[kept].min() >= group[~kept].max()


@given(nm_patterns(), SEED, ROWS, COLS, st.booleans())
def test_pruning_twice_changes_nothing(pattern: Pattern, seed: int, rows: int, cols: int, ties: bool) -> None:
    values = matrix(seed, rows, cols, ties=ties)
    once = values * magnitude_mask(values, pattern)
    assert torch.equal(once * magnitude_mask(once, pattern), once)


@given(nm_patterns(), SEED, ROWS, COLS)
def test_measure_finds_n(pattern: Pattern, seed: int, rows: int, cols: int) -> None:
    values = matrix(seed, rows, cols)
    pruned = values * magnitude_mask(values, pattern)
    assert measure(pruned, pattern.m) == min(pattern.n, rows)
    assert measure(torch.zeros_like(values), pattern.m) == 0


def test_measure_sees_the_ragged_last_group() -> None:
    values = torch.tensor([0, 0, 0, 1, 1, 1])[:, None]
    assert [measure(values, m) for m in (2, 4, 8)] == [2, 2, 3]
    with pytest.raises(InputError, match="group size"):
        measure(values, 0)


def test_ties_go_to_the_lower_row() -> None:
    mask = magnitude_mask(torch.ones(5, 1), Pattern.parse("1:2"))
    assert mask.flatten().tolist() == [True, False, True, False, True]


@given(st.floats(0, 1), SEED, ROWS, COLS)
def test_unstructured_keeps_the_largest(density: float, seed: int, rows: int, cols: int) -> None:
    values = matrix(seed, rows, cols)
    mask = magnitude_mask(values, Pattern("unstructured", density=density))
    expected = max(1, round(density * values.numel())) if density > 0 else 0
    assert int(mask.sum()) == expected
    if 0 < expected < values.numel():
        assert values.abs()[mask].min() >= values.abs()[~mask].max()


@given(st.floats(0, 1), SEED, ROWS, COLS, st.integers(1, 9), st.integers(1, 3))
def test_block_keeps_whole_blocks(density: float, seed: int, rows: int, cols: int, down: int, across: int) -> None:
    values = matrix(seed, rows, cols)
    mask = magnitude_mask(values, Pattern("block", density=density), block=(down, across))
    means: dict[bool, list[float]] = {True: [], False: []}
    for i in range(0, rows, down):
        for j in range(0, cols, across):
            part = mask[i : i + down, j : j + across]
            assert bool(part.all()) or not bool(part.any())
            means[bool(part.all())].append(float(values[i : i + down, j : j + across].square().mean()))
    count = len(means[True]) + len(means[False])
    assert len(means[True]) == (max(1, round(density * count)) if density > 0 else 0)
    if means[True] and means[False]:
        assert min(means[True]) >= max(means[False]) * (1 - 1e-6)


def test_dense_keeps_all() -> None:
    assert bool(magnitude_mask(torch.zeros(3, 2), Pattern.parse("dense")).all())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_must_be_finite(bad: float) -> None:
    with pytest.raises(InputError, match="finite"):
        magnitude_mask(torch.tensor([[bad]]), Pattern.parse("2:4"))


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
def test_convolution_groups_lie_along_the_chosen_order(order: ReductionOrder) -> None:
    weight = torch.randn(6, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    pruned = weight * weight_mask(weight, Pattern.parse("2:4"), order)
    other: ReductionOrder = "cin,kh,kw" if order == "kh,kw,cin" else "kh,kw,cin"
    assert measure(reduction_matrix(pruned, order), 4) == 2
    assert measure(reduction_matrix(pruned, other), 4) > 2
    per_tap = (pruned.reshape(6, 2, 4, 3, 3) != 0).sum(dim=2)  # groups of four input channels within a tap
    assert bool((per_tap == 2).all()) == (order == "kh,kw,cin")


def small_model() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.Sequential(nn.Conv2d(8, 8, 1, groups=2)), nn.Linear(7, 5)
    )


def test_default_leaves_first_and_depthwise_dense() -> None:
    model = small_model()
    assert list(prunable_layers(model)) == ["0", "1", "2.0", "3"]
    assert first_and_depthwise(model) == {"0", "1"}
    masks = prune_masks(model, Pattern.parse("1:4"))
    assert set(masks) == {"2.0", "3"}
    apply_masks(model, masks)
    for name, layer in prunable_layers(model).items():
        expected = 1 if name in masks else 4
        assert measure(reduction_matrix(layer.weight), 4) == expected


def test_layers_to_leave_dense_can_be_named() -> None:
    model = small_model()
    pattern = Pattern.parse("2:4")
    assert set(prune_masks(model, pattern, dense=())) == {"0", "1", "2.0", "3"}
    assert set(prune_masks(model, pattern, dense=["3"])) == {"0", "1", "2.0"}
    with pytest.raises(InputError, match=r"'4' to leave dense: expected one of 0, 1, 2\.0, 3"):
        prune_masks(model, pattern, dense=["4"])


def test_masks_must_fit_the_model() -> None:
    model = small_model()
    before = prunable_layers(model)["3"].weight.clone()
    for name, shape in (("nowhere", (5, 7)), ("3", (7, 5))):
        with pytest.raises(InputError, match=f"mask '{name}'"):
            apply_masks(model, {"3": torch.zeros(5, 7, dtype=torch.bool), name: torch.zeros(shape, dtype=torch.bool)})
    assert torch.equal(prunable_layers(model)["3"].weight, before)
