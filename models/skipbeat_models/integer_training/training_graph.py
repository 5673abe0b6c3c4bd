"""A network that trains in integers: layers on the machine, the rest on the host, forward and backward."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import FloatArray

from .host_operators import HostOperator, MaxPool
from .optimiser_step import OptimiserStep
from .scaled import Map, real
from .trained_layer import TrainedLayer


@dataclass(frozen=True)
class Place:
    """An operator, and the numbers of the values that it reads; value 0 is the network's input."""

    operator: TrainedLayer | HostOperator
    inputs: tuple[int, ...]


class TrainingGraph:
    """Operators in the order in which they run; each makes the next value, and the last one the logits."""

    def __init__(self, places: list[Place]) -> None:
        self.places = places
        self.layers = [place.operator for place in places if isinstance(place.operator, TrainedLayer)]

    @property
    def host_operators(self) -> dict[str, int]:
        """How often the host computes what in a step, the loss among it; of a pooling perhaps its backward alone."""
        others = [place.operator.name for place in self.places if not isinstance(place.operator, TrainedLayer)]
        others += [MaxPool.name for layer in self.layers if layer.pool is not None]
        return dict(Counter([*others, "cross_entropy"]))

    def logits(self, images: Map, *, training: bool) -> FloatArray:
        """The logits [N, classes] of images [N, C, H, W]."""
        values = [images]
        for place in self.places:
            values.append(place.operator.forward([values[at] for at in place.inputs], training))
        found = real(values[-1])
        return found.reshape(len(found), -1)

    def backpropagate(self, gradient: FloatArray) -> None:
        """From the logits' gradient of the last step to that of every layer."""
        arrived: dict[int, list[Map]] = {len(self.places): [gradient[:, :, None, None]]}
        for number, place in reversed(list(enumerate(self.places, 1))):
            given = arrived.pop(number)
            total = given[0] if len(given) == 1 else np.sum([real(each) for each in given], axis=0)
            for at, handed in zip(place.inputs, place.operator.backward(total), strict=False):
                arrived.setdefault(at, []).append(handed)

    def update(self, step: OptimiserStep) -> None:
        """Train all parameters on the last step."""
        for place in self.places:
            place.operator.update(step)
