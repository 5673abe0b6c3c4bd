"""Whole trainings from scratch on the digits by the integer oracle."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass

import numpy as np
from torch import nn

from skipbeat_arch.arrays import Array, FloatArray, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.provenance import Source, content_digest

from .. import zoo
from ..digits_data import INPUT_SHAPE, DigitsData, load_data
from ..sources.tracing.python import build_model
from ..training import one_thread
from .graph_builder import GraphBuilder
from .host_operators import loss_and_gradient
from .scaled import nearest
from .trained_layer import SeedSource
from .training_graph import TrainingGraph
from .training_patterns import TrainingPatterns
from .training_plan import TrainingPlan
from .training_products import Draws, ExactProducts, Products, TensorDraws
from .vectors import Vectors

#: Of the digits.
CLASSES = 10
#: How often a training tells how far it is.
STRETCHES = 20


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Some steps: how many are done, their mean loss, and the share of test images that is right after them."""

    steps: int
    loss: float
    accuracy: float

    def __str__(self) -> str:
        return f"step {self.steps:,}: loss {self.loss:.4f}, accuracy {self.accuracy:.1%}"


class IntegerTrainer:
    """A network that reads digits, and its training.

    Args:
        source: `zoo:NAME` of a network for the digits, or `module:function`, whose module reads [N, 1, 8, 8].
        draws: of the stores of dX; None: along each tensor.

    Attributes:
        products: who multiplies, in numbers.
        origin: the source, with a digest of the weights that the training begins with.
        padded_images: how many a step's last pass of the array lacks.

    Raises:
        InputError: there is no such network, or it cannot be trained.
    """

    def __init__(
        self,
        source: str,
        patterns: TrainingPatterns,
        plan: TrainingPlan,
        hardware: Hardware,
        draws: Draws | None = None,
    ) -> None:
        patterns.check_group(hardware.array.group)
        self.plan, self.data, self.patterns = plan, load_data(), patterns
        self._source, self._module = source, digits_network(source, plan.seed)
        self._vectors, self._noted = Vectors.of(hardware), hardware.outputs.gradients
        self.products = ExactProducts(draws or TensorDraws(self._vectors))
        self.graph = self._built(self.products)
        classes = self.graph.layers[-1].matrix.weight.values.shape[0]
        if classes != CLASSES:
            raise InputError(f"model {source}: expected {CLASSES} outputs, one for each digit, not {classes}")
        pass_images = hardware.array.rows * hardware.array.group
        self.padded_images = -plan.batch % pass_images
        weights = (layer.matrix.weight.values.data for layer in self.graph.layers)
        self.origin = Source(name=source, digest=content_digest(weights))

    def beside(self, products: Products) -> IntegerTrainer:
        """The same training from its begin on, with others who multiply."""
        other = copy(self)
        other.graph = other._built(products)
        return other

    def _built(self, products: Products) -> TrainingGraph:
        seeds = SeedSource(self.plan.seed)
        given = self._source, self._module, INPUT_SHAPE, self.patterns, self._vectors, seeds, products
        return GraphBuilder(*given, noted=self._noted).build()

    @property
    def stretches(self) -> int:
        """How many `run` gives."""
        return min(STRETCHES, self.plan.steps)

    def run(self, step: Callable[[FloatArray, Int64Array, int], float] | None = None) -> Iterator[Stretch]:
        """Train; the steps are split as evenly as they can be.

        Args:
            step: what runs in place of the trainer's own step, which it calls.

        Raises:
            InputError: numbers that do not fit, as of a training that diverges.
        """
        images, labels = _arrays(self.data)
        ends = [(number + 1) * self.plan.steps // self.stretches for number in range(self.stretches)]
        losses: list[float] = []
        for done, batch in enumerate(self.plan.batches(len(labels)), 1):
            losses.append((step or self.step)(images[batch], labels[batch], done - 1))
            if done == ends[0]:
                yield Stretch(steps=ends.pop(0), loss=float(np.mean(losses)), accuracy=self.accuracy())
                losses = []

    def step(self, images: FloatArray, labels: Int64Array, number: int) -> float:
        """One step on images [N, 1, 8, 8]; its loss."""
        with one_thread():
            loss, gradient = loss_and_gradient(self.graph.logits(nearest(images), training=True), labels)
            if not math.isfinite(loss):
                raise InputError(f"model {self.origin.name}: the training diverges in step {number + 1}")
            self.graph.backpropagate(gradient)
            self.graph.update(self.plan.step(number))
        return loss

    def accuracy(self) -> float:
        """The share of test images whose largest logit is the label's."""
        images, labels = self.data.test_images.double().numpy(), self.data.test_labels.numpy()
        with one_thread():
            logits = self.graph.logits(nearest(images), training=False)
        return float((logits.argmax(axis=1) == labels).mean())

    def arrays(self) -> Mapping[str, Array]:
        """Master weights and momenta of every layer, and the bytes of its tiles, zero where they are dropped."""
        found: dict[str, Array] = {}
        for layer in self.graph.layers:
            matrix, name = layer.matrix, layer.name
            found |= {f"{name}.weight": matrix.weight.values, f"{name}.momentum": matrix.weight.momenta}
            if matrix.bias is not None:
                found |= {f"{name}.bias": matrix.bias.values, f"{name}.bias_momentum": matrix.bias.momenta}
            for way, tiles in (("forward", matrix.ahead), ("backward", matrix.back)):
                found |= {f"{name}.{way}": tiles.kept, f"{name}.{way}_mask": tiles.mask}
                found[f"{name}.{way}_units"] = tiles.units
        return found


def digits_network(source: str, seed: int) -> nn.Module:
    """The untrained network that a source names.

    Raises:
        InputError: there is none, or it does not read digits.
    """
    if not source.startswith(zoo.PREFIX):
        if ":" not in source:
            raise InputError(f"model {source}: expected zoo:NAME or module:function")
        return build_model(source)[0]
    entry = zoo.find(source)
    if entry.recipe is None:
        raise InputError(f"model {source}: there is no data to train it; expected a network of the digits")
    return entry.build(seed)


def _arrays(data: DigitsData) -> tuple[FloatArray, Int64Array]:
    images: FloatArray = data.train_images.double().numpy()
    labels: Int64Array = data.train_labels.numpy()
    return images, labels
