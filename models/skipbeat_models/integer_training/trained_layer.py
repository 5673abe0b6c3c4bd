"""A layer of a network that trains: its products, and the stores around them."""

from __future__ import annotations

from functools import partial

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int8Array
from skipbeat_arch.graph import Pool
from skipbeat_arch.training.lfsr import SEED_BITS
from skipbeat_arch.training.ranks import LARGEST

from ..max_windows import spread
from .activation_store import ActivationStore, stored_activations
from .delayed_scale import DelayedScale
from .gradient_store import GradientStore
from .matrix_layer import MatrixLayer
from .optimiser_step import OptimiserStep
from .scaled import Map, Scaled, Stored, dithered, nearest
from .stored_bytes import StoredBytes
from .vectors import Vectors


class SeedSource:
    """Seeds of the stores that draw, in the order in which they run: the host puts them into the program."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def next(self) -> int:
        """A seed of 31 bits."""
        return int(self._random.integers(1 << SEED_BITS))


class TrainedLayer:
    """A convolution or linear layer, with a clamp at 0 if one follows.

    Attributes:
        clamps: a ReLU follows. raw: its sums go to the host as they are, else bytes are stored.
        pool: a max pooling follows, of windows that do not meet: Y are the largest sums' bytes, and places are stored.
        compared: another max pooling reads them, for which the host has the sums.
        first: nothing before it trains, so there is no gradient to hand on.
        masked_by: the layer before it, if that clamps and nothing else reads it: what is handed on is zero where its
            clamp let nothing pass.
        open: where its own clamp let values pass: by noted bytes, or else by sums.
        x, gradient: what it read in the last step, and the gradient that its weights were trained on.
    """

    x: Scaled
    gradient: Scaled
    open: BoolArray
    pool: Pool | None

    def __init__(self, matrix: MatrixLayer, vectors: Vectors, seeds: SeedSource, *, noted: bool) -> None:
        self.matrix, self.name = matrix, matrix.name
        self._vectors, self._seeds, self._noted = vectors, seeds, noted
        self.masked_by: TrainedLayer | None = None
        self.pool = None
        self._places: Int8Array | None = None
        self.clamps = self.raw = self.compared = self.first = False
        self.ahead, self.back = DelayedScale(), DelayedScale()

    def forward(self, inputs: list[Map], training: bool) -> Map:
        """The map that follows; the units are those of the training's last step, unless it is one."""
        x = inputs[0] if isinstance(inputs[0], Scaled) else nearest(inputs[0])
        if training:
            self.x = x
        if self.raw:
            return self.matrix.forward(x).real()
        return self._stored(x, training)

    def _stored(self, x: Scaled, training: bool) -> Scaled:
        units, low = self.matrix.forward_units(x), 0 if self.clamps else -LARGEST
        sums = self.matrix.forward(x).values if self.compared else None
        store = partial(self.matrix.activations, x) if sums is None else partial(stored_activations, sums)

        def made(shift: int | None) -> StoredBytes:
            found = store(
                ActivationStore(apart=units - units.min(), low=low, shift=shift, pool=self.pool, noted=self._noted)
            )
            if training:
                self.open, self._places = found.passed, found.places
            return found

        self.ahead.frozen = not training
        y = self.ahead.bytes(made, units)
        return y if sums is None else Stored(y.mantissas, y.exponent, sums)

    def backward(self, gradient: Map) -> list[Map]:
        """The gradient of its input."""
        dy = self._spread(self._masked(gradient))
        pattern = self.matrix.patterns.update
        keeps = pattern.kind != "dense"
        self.gradient = self._vectors.keep_unbiased(dy, pattern, self._seeds.next()) if keeps else dy
        if self.first:
            return []
        shape, seed = self.x.mantissas.shape, self._seeds.next()
        passed = None
        if self.masked_by is not None:
            passed = self.x.mantissas if self._noted else self.masked_by.open.astype(np.int8)

        def store(shift: int | None) -> StoredBytes:
            return self.matrix.backward(dy, shape, GradientStore(shift=shift, seed=seed, passed=passed))

        return [self.back.bytes(store, np.array([self.matrix.backward_unit(dy)]))]

    def update(self, step: OptimiserStep) -> None:
        """Train on the last step."""
        self.matrix.update(step, self.x, self.gradient)

    def _spread(self, gradient: Scaled) -> Scaled:
        """The gradient of the sums that were pooled, if any were: the host puts bytes at their places."""
        if self.pool is None or self._places is None:
            return gradient
        shape = self.matrix.output_shape(self.x)
        return Scaled(spread(gradient.mantissas, self._places, self.pool, shape), gradient.exponent)

    def _masked(self, gradient: Map) -> Scaled:
        """dY in bytes; what comes from the host is rounded there."""
        if isinstance(gradient, Scaled):
            return gradient.where(self.open) if self.clamps else gradient
        masked = np.where(self.open, gradient, 0) if self.clamps else gradient
        return dithered(masked, self._vectors.draws(masked.shape, self._seeds.next()))
