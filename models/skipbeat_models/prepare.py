"""A network of the zoo from nothing to int8: train, prune, quantise, and the accuracy after each step.

Networks without a recipe are not trained: `prepare_seeded` prunes their initial weights.
"""

from __future__ import annotations

import numpy as np
import torch

from skipbeat_arch.arrays import Int32Array
from skipbeat_arch.workload import ReductionOrder

from . import training, zoo
from .digits_data import DigitsData
from .graph_oracle import run_graph
from .prepare_seeded import prepare_seeded
from .prepared import PreparedNetwork, TrainedNetwork
from .quantise_graph import quantise_graph
from .scheme import Plan, Scheme
from .trained import Progress, Trained, silent, train_network


def prepare(
    source: str, plan: Plan, seed: int = 0, *, order: ReductionOrder = "kh,kw,cin", progress: Progress = silent
) -> PreparedNetwork:
    """A network of the zoo, pruned and quantised: trained if it has a recipe, else as drawn from the seed.

    Args:
        source: `zoo:NAME`, a network of images.
        plan: a pattern, which leaves the first convolution and depthwise ones dense (their reduction axes are short, so
            an array holds them one to a PE: pruning would save no clock, and costs accuracy at 1:8 and beyond), or a
            scheme.
        seed: of the initial weights, and of the order of the batches or of the images.
        progress: called with a line of text before each step.

    Raises:
        InputError: there is no such network of images, it has a layer that cannot be quantised, or a glob of the
            scheme matches no layer.
    """
    entry = zoo.find(source)
    scheme = Scheme.of(plan)
    if entry.recipe is None:
        return prepare_seeded(source, entry, scheme, seed, order, progress)
    return prepare_trained(source, scheme, seed, order=order, progress=progress)


def prepare_trained(
    source: str, plan: Plan, seed: int = 0, *, order: ReductionOrder = "kh,kw,cin", progress: Progress = silent
) -> TrainedNetwork:
    """Train a network on the digits, fine-tune it to its patterns by SR-STE, quantise it and measure it: a few seconds.

    With the plan `dense` the network is not fine-tuned. The split of the data does not depend on the seed; the rest
    is as for `prepare`.

    Raises:
        InputError: there is no such network or no recipe for it, or a glob of the scheme matches no layer.
    """
    scheme = Scheme.of(plan)
    trained = train_network(source, scheme, seed, order=order, progress=progress)
    progress("quantising to int8")
    return quantise_trained(trained, source, scheme, order)


def quantise_trained(
    trained: Trained, source: str, scheme: Scheme, order: ReductionOrder = "kh,kw,cin"
) -> TrainedNetwork:
    """A trained network in int8, measured on the test images; `order` as it was pruned."""
    data = trained.data
    with training.one_thread():
        quantised = quantise_graph(trained.model, data.train_images, order, recorded=True)
        images = quantised.quantise_images(data.test_images.numpy())
        logits = run_graph(quantised.graph, images)[quantised.graph.output]
    return TrainedNetwork(
        source=source,
        scheme=scheme,
        dense_accuracy=trained.dense_accuracy,
        pruned_accuracy=trained.pruned_accuracy,
        int8_accuracy=_integer_accuracy(logits.astype(np.int32, copy=False)[:, :, 0, 0], data),
        graph=quantised.graph,
        scales=quantised.scales,
        images=images,
        labels=data.test_labels.numpy(),
    )


def _integer_accuracy(logits: Int32Array, data: DigitsData) -> float:
    return training.accuracy(torch.from_numpy(logits), data.test_labels)
