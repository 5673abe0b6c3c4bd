"""The digits network from nothing to int8: train, prune, quantise, and the accuracy after each step."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import ReductionOrder

from . import digits, oracle
from .network import IntegerNetwork
from .prune import DensePolicy, first_and_depthwise
from .quantise import quantise


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedDigits:
    """A network that is ready for the accelerator, with its test data.

    Attributes:
        dense_accuracy, pruned_accuracy, int8_accuracy: percent of the test images.
        images: int8 [450, 1, 8, 8]; labels: int64 [450].
    """

    pattern: Pattern
    dense_accuracy: float
    pruned_accuracy: float
    int8_accuracy: float
    network: IntegerNetwork
    images: npt.NDArray[np.int8]
    labels: npt.NDArray[np.int64]


def _silent(message: str) -> None:
    """Progress that nobody listens to."""


def prepare_digits(
    pattern: Pattern,
    seed: int = 0,
    *,
    order: ReductionOrder = "kh,kw,cin",
    dense: DensePolicy | Collection[str] = first_and_depthwise,
    progress: Callable[[str], None] = _silent,
) -> PreparedDigits:
    """Train the digits CNN, fine-tune it to `pattern` by SR-STE, quantise it and measure it. A few seconds.

    The first convolution stays dense by default: its reduction axis has 9 elements, which an array of 9 rows or
    more holds one to a PE, so pruning would save no clock and costs accuracy at 1:8 and beyond. Pass `dense=()`
    to prune it as well. With the pattern `dense` the network is not fine-tuned.

    Args:
        seed: of the initial weights and the order of the batches; the split of the data does not depend on it.
        progress: called with a line of text before each step.
    """
    progress("loading the digits")
    data = digits.load_data()
    progress("training the dense network")
    model = digits.train_dense(data, seed)
    dense_accuracy = digits.evaluate(model, data)
    if pattern.kind != "dense":
        progress(f"fine-tuning to {pattern}")
        digits.fine_tune(model, data, pattern, seed=seed, order=order, dense=dense)
    progress("quantising to int8")
    with digits.one_thread():
        network = quantise(model, data.train_images, order)
        images = network.quantise_images(data.test_images.numpy())
        logits = oracle.run(network, images).logits
    return PreparedDigits(
        pattern=pattern,
        dense_accuracy=dense_accuracy,
        pruned_accuracy=digits.evaluate(model, data),
        int8_accuracy=digits.accuracy(torch.from_numpy(logits), data.test_labels),
        network=network,
        images=images,
        labels=data.test_labels.numpy(),
    )
