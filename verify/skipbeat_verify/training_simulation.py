"""A training whose products run as programs of the machine, beside the integer oracle's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import FloatArray, Int64Array
from skipbeat_models.integer_training.integer_trainer import IntegerTrainer
from skipbeat_models.integer_training.trained_layer import TrainedLayer

from .host_tasks import SUM_BYTES, HostTask
from .machine_products import MachineProducts


@dataclass(kw_only=True, eq=False)
class TrainingSimulation:
    """Two trainings side by side: the oracle's, and one with the same seed whose products the machine makes.

    Attributes:
        exact: whether loss, weights, momenta, bytes and masks were the same after every step.
    """

    oracle: IntegerTrainer
    machine: IntegerTrainer
    products: MachineProducts
    exact: bool = True

    @property
    def agrees(self) -> bool:
        """Whether all bits were the oracle's, and all clocks and counters the timing model's."""
        return self.exact and self.products.exact and all(each.run.agrees for each in self.products.runs)

    def step(self, images: FloatArray, labels: Int64Array, number: int) -> float:
        """One step of both on images [N, 1, 8, 8]; its loss.

        Raises:
            InputError: as for both.
        """
        loss = self.oracle.step(images, labels, number)
        same = loss == self.machine.step(images, labels, number)
        wanted, found = self.oracle.arrays(), self.machine.arrays()
        self.exact &= same and all(np.array_equal(found[name], array) for name, array in wanted.items())
        for layer in self.machine.graph.layers:
            self.products.host.update(_host_bytes(layer))
        return loss


def _host_bytes(layer: TrainedLayer) -> dict[HostTask, int]:
    """What the host reads and writes for a layer in a step, beside what its products show."""
    weights, patterns = layer.matrix.weight.values.size, layer.matrix.patterns
    y = layer.gradient.mantissas.size
    ranked = sum(pattern.kind != "dense" for pattern in (patterns.forward, patterns.backward))
    unbiased = patterns.update.kind != "dense"
    return {
        HostTask.SELECT: 2 * (ranked * weights + unbiased * y),
        HostTask.ROUND: (SUM_BYTES + 1) * (y if layer.compared else 0),
        HostTask.UPDATE: weights * (5 * SUM_BYTES + 2),
    }
