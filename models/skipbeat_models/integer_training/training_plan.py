"""How a network is trained on the digits from scratch, in integers or in real numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Indices

from .optimiser_step import OptimiserStep

#: Share of the steps in which the rate rises.
_WARM_UP = 0.05


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Stochastic gradient descent with momentum; the rate rises at first and then falls as a cosine.

    Attributes:
        rate: the highest. decay: of weights, not of biases. masked_decay: joins it where the forward mask drops.
        seed: of the order of the images, and of all draws.
    """

    steps: int
    batch: int
    seed: int
    rate: float = 0.1
    momentum: float = 0.9
    decay: float = 5e-4
    masked_decay: float = 2e-4

    def step(self, number: int) -> OptimiserStep:
        """Coefficients of a step, counted from 0."""
        rising = min(1.0, (number + 1) / (_WARM_UP * self.steps))
        rate = self.rate * rising * (1 + math.cos(math.pi * number / self.steps)) / 2
        return OptimiserStep(momentum=self.momentum, decay=self.decay, masked_decay=self.masked_decay, rate=rate)

    def batches(self, images: int) -> Iterator[Indices]:
        """Which of the images each step sees: all of them in a new order, over and over, a rest left out."""
        random, done = np.random.default_rng(self.seed), 0
        while done < self.steps:
            deck = random.permutation(images)
            for start in range(0, images - self.batch + 1, self.batch):
                if done < self.steps:
                    yield deck[start : start + self.batch]
                    done += 1
