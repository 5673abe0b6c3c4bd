"""The digits data and network."""

from __future__ import annotations

import torch

from skipbeat_models import digits_data, training
from skipbeat_models.networks import digits_cnn


def test_the_network_is_the_one_that_is_documented() -> None:
    model = digits_cnn.build_network()
    assert sum(parameter.numel() for parameter in model.parameters()) == 25_866
    assert model(torch.zeros(2, *digits_data.INPUT_SHAPE)).shape == (2, 10)


def test_the_seed_makes_the_weights_and_leaves_the_global_state_alone() -> None:
    state = torch.get_rng_state()
    first, same, other = (digits_cnn.build_network(seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_the_split_is_fixed_and_balanced() -> None:
    data, again = digits_data.load_data(), digits_data.load_data()
    assert data.train_images.shape == (1347, 1, 8, 8)
    assert data.test_images.shape == (450, 1, 8, 8)
    assert torch.equal(data.test_images, again.test_images)
    assert (float(data.test_images.min()), float(data.test_images.max())) == (0, 1)
    counts = torch.bincount(data.test_labels)
    assert (len(counts), int(counts.min()) >= 43) == (10, True)


def test_accuracy_is_in_percent() -> None:
    logits = torch.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0], [5.0, 4.0]])
    assert training.accuracy(logits, torch.tensor([1, 0, 0, 1])) == 50


def test_one_thread_restores_the_number() -> None:
    before = torch.get_num_threads()
    with training.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
