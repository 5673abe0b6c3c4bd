"""The digits CNN: scikit-learn's 8x8 digits, a small convolutional network, training and evaluation.

Convolutions 1-16-32-64 (3x3, padding 1), max pooling after the second and third, linear 256-10: 25,866 parameters,
602 thousand multiply-accumulates. 1,347 images train it, 450 test it: one image is 0.22 points of accuracy.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import ReductionOrder

from .prune import DensePolicy, first_and_depthwise
from .srste import sparse_training

INPUT_SHAPE = (1, 8, 8)
TEST_IMAGES = 450
SPLIT_SEED = 0
BATCH = 32
TRAIN_EPOCHS, TRAIN_RATE = 8, 6e-3
TUNE_EPOCHS, TUNE_RATE = 4, 4e-3


@dataclass(frozen=True, eq=False)
class DigitsData:
    """Images are float32 [N, 1, 8, 8] in 0..1, labels int64 [N]; 1,347 to train and 450 to test."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def load_data() -> DigitsData:
    """The digits that come with scikit-learn, split once and for all, with equal shares of each class."""
    from sklearn.datasets import load_digits  # a second to import
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = torch.from_numpy(digits.images.astype(np.float32) / 16).unsqueeze(1)
    labels = torch.from_numpy(digits.target.astype(np.int64))
    train, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_IMAGES, stratify=digits.target, random_state=SPLIT_SEED
    )
    return DigitsData(images[train], labels[train], images[test], labels[test])


def build_network(seed: int = 0) -> nn.Sequential:
    """The untrained network, initialised from `seed` without touching torch's global random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            OrderedDict[str, nn.Module](
                conv1=nn.Conv2d(1, 16, 3, padding=1),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(16, 32, 3, padding=1),
                relu2=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                conv3=nn.Conv2d(32, 64, 3, padding=1),
                relu3=nn.ReLU(),
                pool3=nn.MaxPool2d(2),
                flatten=nn.Flatten(),
                fc=nn.Linear(256, 10),
            )
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: on a network this small, a second one costs more than it brings."""
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


def train_dense(data: DigitsData, seed: int = 0) -> nn.Sequential:
    """A trained dense network; the same seed gives the same weights."""
    model = build_network(seed)
    train(model, data, epochs=TRAIN_EPOCHS, rate=TRAIN_RATE, seed=seed)
    return model


def fine_tune(
    model: nn.Sequential,
    data: DigitsData,
    pattern: Pattern,
    *,
    seed: int = 0,
    order: ReductionOrder = "kh,kw,cin",
    dense: DensePolicy | Collection[str] = first_and_depthwise,
) -> None:
    """Prune a trained network to `pattern` in place, by SR-STE."""
    with sparse_training(model, pattern, order=order, dense=dense):
        train(model, data, epochs=TUNE_EPOCHS, rate=TUNE_RATE, seed=seed)


def accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of images whose largest logit [N, classes] is the label's, in percent."""
    return float((logits.argmax(dim=1) == labels).double().mean()) * 100


def evaluate(model: nn.Module, data: DigitsData) -> float:
    """Accuracy of a float network on the test images, in percent."""
    with torch.no_grad(), one_thread():
        return accuracy(model(data.test_images), data.test_labels)
