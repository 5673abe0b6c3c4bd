"""The programs of a training step: what each layer's forward, backward and update cost with one choice of patterns."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.estimate import LayerCost
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.progress import through
from skipbeat_arch.training_model import Product, Role, TrainedLayer, Training, TrainingModel, Update

from .output_stationary import product_clocks, update_clocks
from .product_prices import ProductPricer
from .steady_state import times
from .turn_prices import TurnPricer
from .update_chunks import UpdatePricer


@dataclass(frozen=True, kw_only=True)
class Part:
    """A role of a layer.

    Attributes:
        costs: of its programs. macs_dense: products with all of both operands.
        output_stationary: clocks by the formula of an output-stationary array.
        stored_bytes: of its stationary weights as they lie in memory; sums: partial sums that it gives the optimiser.
        turned: of an update, whether the machine turns X for it, as the last of the costs; None: its hardware cannot.
    """

    role: Role
    pattern: Pattern
    costs: tuple[LayerCost, ...]
    macs_dense: int
    output_stationary: int
    stored_bytes: int = 0
    sums: int = 0
    turned: bool | None = None


class PartPricer:
    """Prices the parts of steps on one machine.

    Args:
        hw: the hardware.
        products: of its machine.
        training: forward-only steps have two forward passes and nothing else.
    """

    def __init__(self, hw: Hardware, products: ProductPricer, training: Training) -> None:
        self._hw, self._products = hw, products
        self._forward_only = training is Training.FORWARD_ONLY
        self._updates, self._turns = UpdatePricer(products), TurnPricer(products)

    def parts(self, model: TrainingModel) -> list[tuple[Part, ...]]:
        """Those of each layer of a step.

        Raises:
            InputError: a layer does not fit the hardware.
        """
        layers = through(model.layers, lambda layer: layer.name, _work)
        return [self._layer(layer) for layer in layers]

    def _layer(self, layer: TrainedLayer) -> tuple[Part, ...]:
        forward = self._of_products(layer, Role.FORWARD, layer.forward, layer.patterns[0])
        if self._forward_only:
            return (_twice(forward),)
        found = [forward]
        if layer.backward:
            found.append(self._of_products(layer, Role.BACKWARD, layer.backward, layer.patterns[1]))
        if layer.update is not None:
            found.append(self._of_update(layer, layer.update))
        return tuple(found)

    def _of_products(self, layer: TrainedLayer, role: Role, products: tuple[Product, ...], pattern: Pattern) -> Part:
        costs = tuple(self._products.product(layer.name, product) for product in products)
        bits = sum(cost.value_bits + cost.metadata_bits for cost in costs) if layer.stored else 0
        return Part(
            role=role,
            pattern=pattern,
            costs=costs,
            macs_dense=sum(product.macs_dense for product in products),
            output_stationary=sum(product_clocks(product, pattern, self._hw) for product in products),
            stored_bytes=bits // 8,
        )

    def _of_update(self, layer: TrainedLayer, update: Update) -> Part:
        cost, chunk = self._updates.update(layer.name, update)
        turned = self._turns.turn(layer, update, chunk)
        return Part(
            role=Role.UPDATE,
            pattern=update.pattern,
            costs=(cost,) if turned is None else (cost, turned),
            macs_dense=update.macs_dense,
            output_stationary=update_clocks(update, update.pattern, self._hw),
            sums=chunk.sums * update.repeats,
            turned=turned is not None if self._hw.outputs.turn else None,
        )


def _twice(part: Part) -> Part:
    """Two forward passes, with weights of their own."""
    return Part(
        role=part.role,
        pattern=part.pattern,
        costs=tuple(times(cost, 2) for cost in part.costs),
        macs_dense=2 * part.macs_dense,
        output_stationary=2 * part.output_stationary,
        stored_bytes=2 * part.stored_bytes,
    )


def _work(layer: TrainedLayer) -> float:
    """Products of a layer's forward pass."""
    return float(sum(product.macs_dense for product in layer.forward))
