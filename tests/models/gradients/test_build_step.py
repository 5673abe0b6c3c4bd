"""Patterns on the products of a step."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern, measured_pattern
from skipbeat_arch.training_model import TrainingModel
from skipbeat_models.gradients.build_step import StepPatterns, training_model
from skipbeat_models.gradients.trained_network import TrainedNetwork, exported, trained_network
from skipbeat_models.networks.vision_transformer import VisionTransformer
from skipbeat_models.scheme import Scheme


@pytest.fixture(scope="module")
def network() -> TrainedNetwork:
    layers = nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 8, 3, stride=2), nn.Flatten(), nn.Linear(72, 16)
    graph = exported(nn.Sequential(*layers), (torch.zeros(1, 3, 9, 9),), {})
    return trained_network(graph, "made", 4)


def made(network: TrainedNetwork, forward: str, backward: str, update: str = "dense") -> TrainingModel:
    patterns = StepPatterns(
        forward=Scheme.parse(forward), backward=Scheme.parse(backward), update=Pattern.parse(update)
    )
    return training_model(network, patterns, 16)


def test_forward_and_backward_have_groups_along_their_own_channels(network: TrainedNetwork) -> None:
    stem, conv, fc = made(network, "2:8", "1:4").layers
    assert [str(each) for each in stem.patterns] == ["dense", "dense"]
    assert not stem.backward
    (forward,) = conv.forward
    assert str(measured_pattern(forward.weight.nonzero())) == "2:8"
    assert forward.workload.c_in == 16
    assert len(conv.backward) == 4  # phases of a stride of 2
    assert {str(measured_pattern(each.weight.nonzero())) for each in conv.backward} == {"1:4"}
    assert {each.workload.c_in for each in conv.backward} == {8}
    assert fc.update is not None
    assert fc.update.workload.kernel == (1, 1)


def test_the_last_layer_stays_dense_unless_it_is_named(network: TrainedNetwork) -> None:
    named = Scheme(Pattern.parse("2:8"), (("4", Pattern.parse("4:8")),))
    for scheme, expected in ((Scheme.parse("2:8"), "dense"), (named, "4:8")):
        fc = training_model(network, StepPatterns(forward=scheme, backward=scheme), 16).layers[-1]
        assert [str(each) for each in fc.patterns] == [expected, expected]


def test_sparse_gradients_are_stored_once_more(network: TrainedNetwork) -> None:
    dense, half = (made(network, "2:8", "2:8", update) for update in ("dense", "1:2"))
    (packed,) = set(half.host) - set(dense.host)
    elements = 4 * (49 * 16 + 9 * 8 + 16)
    assert (packed.operator, packed.written) == ("gradients packed 1:2", elements // 2 + elements // 8)
    update = half.layers[1].update
    assert update is not None
    assert str(measured_pattern(update.zeros((32, 8)).nonzero())) == "2:4"  # 1:2, whatever M is


def test_products_of_activations_are_dense_and_named() -> None:
    graph = exported(VisionTransformer(16, 2, 1, 8, 4, 10), (torch.zeros(1, 3, 8, 8),), {})
    found = made(trained_network(graph, "made", 2), "2:8", "2:8")
    (scores,) = [layer for layer in found.layers if "query-key" in layer.name]
    assert [(each.workload.gemm.p, each.workload.gemm.c, each.workload.gemm.k) for each in scores.backward] == [
        (5, 5, 8),
        (8, 5, 5),
    ]
    assert scores.update is None
    assert any("products of two activations" in note for note in found.notes)


@pytest.mark.parametrize("update", ["2:4", "unstructured:0.5"])
def test_an_update_without_an_unbiased_choice_is_refused(update: str) -> None:
    with pytest.raises(InputError, match=f"update {update}: expected dense or 1:Q"):
        StepPatterns(update=Pattern.parse(update))


def test_a_scheme_names_layers(network: TrainedNetwork) -> None:
    scheme = Scheme(Pattern.parse("2:8"), (("nowhere", Pattern("dense")),))
    with pytest.raises(InputError, match="no layer is called 'nowhere'"):
        training_model(network, StepPatterns(backward=scheme), 16)
