"""Training, sparse fine-tuning and evaluation of a small classifier on the digits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from skipbeat_arch.workload import ReductionOrder

from .alone import alone
from .digits_data import DigitsData
from .pruners.layers import Flattened
from .pruners.srste import sparse_training
from .recipes import Recipe
from .scheme import Plan

BATCH = 32


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: on a network this small, a second one costs more than it brings."""
    with alone():
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def train(model: nn.Module, data: DigitsData, *, epochs: int, rate: float, seed: int) -> None:
    """Minimise the cross-entropy in place with Adam and a one-cycle schedule; `seed` shuffles the batches."""
    shuffle = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), rate)
    count = len(data.train_labels)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs * -(-count // BATCH))
    model.train()
    with one_thread():
        for _ in range(epochs):
            deck = torch.randperm(count, generator=shuffle)
            for start in range(0, count, BATCH):
                batch = deck[start : start + BATCH]
                loss = nn.functional.cross_entropy(model(data.train_images[batch]), data.train_labels[batch])
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()
                schedule.step()
    model.eval()


def train_dense(model: nn.Module, data: DigitsData, recipe: Recipe, seed: int = 0) -> None:
    """Train an initialised network in place; the same seed gives the same weights."""
    train(model, data, epochs=recipe.train_epochs, rate=recipe.train_rate, seed=seed)


def fine_tune(
    model: nn.Module,
    data: DigitsData,
    plan: Plan,
    recipe: Recipe,
    *,
    seed: int = 0,
    order: ReductionOrder = "kh,kw,cin",
    flattened: Flattened | None = None,
) -> None:
    """Prune a trained network to a pattern or scheme in place, by SR-STE."""
    with sparse_training(model, plan, order=order, flattened=flattened):
        train(model, data, epochs=recipe.tune_epochs, rate=recipe.tune_rate, seed=seed)


def accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of images whose largest logit [N, classes] is the label's, in percent."""
    return float((logits.argmax(dim=1) == labels).double().mean()) * 100


def evaluate(model: nn.Module, data: DigitsData) -> float:
    """Accuracy of a float network on the test images, in percent."""
    with torch.no_grad(), one_thread():
        return accuracy(model(data.test_images), data.test_labels)
