"""Trainings in integers: gradients against autograd, the same bits again, and what they reach."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.arrays import FloatArray
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_models import zoo
from skipbeat_models.integer_training.integer_trainer import IntegerTrainer
from skipbeat_models.integer_training.real_training import train_real
from skipbeat_models.integer_training.training_patterns import TrainingPatterns
from skipbeat_models.integer_training.training_plan import TrainingPlan
from skipbeat_models.pruners.layers import prunable_layers
from skipbeat_models.scheme import Scheme
from skipbeat_models.training import one_thread

HARDWARE, STORING = (load_hardware("edge-16x16-m8", keys) for keys in ([], ["outputs.gradients=true"]))
DENSE = TrainingPatterns(forward=Scheme.of("dense"), backward=Scheme.of("dense"), update=Pattern("dense"))
SPARSE = TrainingPatterns(forward=Scheme.of("2:8"), backward=Scheme.of("2:8"), update=Pattern.parse("1:2"))


def trainer(
    source: str, patterns: TrainingPatterns, *, steps: int, batch: int, seed: int = 0, hardware: Hardware = HARDWARE
) -> IntegerTrainer:
    return IntegerTrainer(source, patterns, TrainingPlan(steps=steps, batch=batch, seed=seed), hardware)


def cosine(first: FloatArray, second: FloatArray) -> float:
    return float((first * second).sum() / np.linalg.norm(first) / np.linalg.norm(second))


@pytest.mark.parametrize(
    ("source", "hardware", "least", "seed"),
    [
        ("zoo:digits-cnn", HARDWARE, 0.99, 1),
        ("zoo:digits-cnn", STORING, 0.99, 1),
        pytest.param("zoo:tiny-resnet", HARDWARE, 0.95, 0, marks=pytest.mark.slow),
        *(pytest.param("zoo:digits-cnn", HARDWARE, 0.99, seed, marks=pytest.mark.slow) for seed in (0, 2, 3, 4)),
    ],
)
def test_gradients_of_a_step_are_autograds(source: str, hardware: Hardware, least: float, seed: int) -> None:
    """Of the float network itself: rounded activations and rounded gradients count, and a derivative told by bytes."""
    ints = trainer(source, DENSE, steps=1, batch=256, seed=seed, hardware=hardware)
    model, data = zoo.find(source).build(seed).train(), ints.data
    ints.step(data.train_images[:256].double().numpy(), data.train_labels[:256].numpy(), 0)
    with one_thread():
        torch.autograd.backward(nn.functional.cross_entropy(model(data.train_images[:256]), data.train_labels[:256]))
    layers = prunable_layers(model)
    for layer in ints.graph.layers:
        wanted = layers[layer.name].weight.grad
        assert wanted is not None
        found = layer.matrix.gradient(layer.x, layer.gradient).astype(np.float64)
        assert cosine(found.ravel(), wanted.double().numpy().ravel()) >= least, layer.name
        length = np.linalg.norm(found) * 2.0 ** (layer.x.exponent + layer.gradient.exponent)
        assert length == pytest.approx(float(wanted.norm()), rel=0.05), layer.name


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    def after(seed: int) -> dict[str, bytes]:
        run = trainer("zoo:digits-cnn", SPARSE, steps=2, batch=16, seed=seed)
        assert [each.steps for each in run.run()] == [1, 2]
        return {name: np.ascontiguousarray(array).tobytes() for name, array in run.arrays().items()}

    first = after(3)
    assert first == after(3)
    assert first["conv2.weight"] != after(4)["conv2.weight"]


def test_a_few_steps_learn() -> None:
    run = trainer("zoo:tiny-resnet", SPARSE, steps=12, batch=64)
    images, labels = run.data.train_images[:64].double().numpy(), run.data.train_labels[:64].numpy()
    losses = [run.step(images, labels, number) for number in range(6)]
    assert losses[-1] < 0.9 * losses[0]
    assert run.padded_images == 64


def test_sources_that_are_not_trained() -> None:
    for source, message in (
        ("zoo:resnet-18", "there is no data to train it"),
        ("zoo:no-such", "no such model"),
        ("digits", "expected zoo:NAME or module:function"),
    ):
        with pytest.raises(InputError, match=message):
            trainer(source, SPARSE, steps=1, batch=16)


def test_real_training_follows_the_same_plan() -> None:
    assert train_real("zoo:digits-cnn", TrainingPlan(steps=1, batch=16, seed=0)) <= 0.5
    assert train_real("zoo:digits-cnn", TrainingPlan(steps=1, batch=16, seed=0), SPARSE) <= 0.5


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_sparse_integers_reach_what_dense_floats_do() -> None:
    """Five seeds: 2:8 in both passes and 1:2 in the update lose at most 0.3 points."""
    plans = [TrainingPlan(steps=630, batch=64, seed=seed) for seed in range(5)]
    floats = [100 * train_real("zoo:digits-cnn", plan) for plan in plans]
    found = []
    for plan in plans:
        *_, last = IntegerTrainer("zoo:digits-cnn", SPARSE, plan, HARDWARE).run()
        found.append(100 * last.accuracy)
    assert statistics.mean(found) >= statistics.mean(floats) - 0.3
