"""The price of a training step: its programs one after the other, and what optimiser and host move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skipbeat_arch.clock_source import clock_source
from skipbeat_arch.effort import Effort
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.progress import through
from skipbeat_arch.training_estimate import (
    Clocks,
    RoleCost,
    StepCost,
    Traffic,
    TrainedLayerCost,
    TrainingEstimate,
    total,
)
from skipbeat_arch.training_model import Role, TrainedLayer, Training, TrainingModel
from skipbeat_sim.energy.energy_model import EnergyModel
from skipbeat_sim.energy.load_table import DEFAULT_TABLE, load_table

from ..estimate.kept_prices import KeptPrices
from .product_prices import ProductPricer
from .traffic import TrafficPricer, host_lines, optimiser_lines
from .training_assumptions import training_assumptions
from .training_parts import Part, PartPricer

#: What runs side by side. An update needs the gradient that its layer's backward program needs, so both come layer by
#: layer: while one layer's weights are updated, the host computes what the layer before it is waiting for.
_PHASES = ((Role.FORWARD,), (Role.BACKWARD, Role.UPDATE))
#: The parts of a step's layers.
_Parts = Sequence[tuple[Part, ...]]


@dataclass(frozen=True, kw_only=True, eq=False)
class PlannedStep:
    """A part of a schedule: a share of the steps, and the model with the patterns of these.

    Attributes:
        forward, backward, update: the patterns, as text. limit: the speed-up that they allow.
    """

    share: float
    model: TrainingModel
    forward: str
    backward: str
    update: str
    limit: float


def estimate_training(
    steps: Sequence[PlannedStep],
    dense: TrainingModel,
    hw: Hardware,
    *,
    training: Training = Training.BACKPROPAGATION,
    table_name: str | Path = DEFAULT_TABLE,
    kept: KeptPrices | None = None,
    effort: Effort = Effort.NORMAL,
) -> TrainingEstimate:
    """Clocks, bytes and energy of a training step.

    Args:
        steps: of the schedule; one without a schedule.
        dense: the same network with every weight.
        hw: the hardware.
        training: how gradients are found.
        table_name: of an energy table, or a YAML file.
        kept: prices from before, to which new ones are added; None: everything is priced now.
        effort: of the search for mappings.

    Raises:
        InputError: hardware that has no accelerator, a layer that does not fit it, or an energy table that cannot be
            read.
    """
    energy = EnergyModel(hw, load_table(table_name))
    products = ProductPricer(hw, kept, effort)
    pricer = PartPricer(hw, products, training)
    models = (dense, *(each.model for each in steps))
    full, *others = (pricer.parts(model) for model in through(models))
    step = _Step(energy, TrafficPricer(products.machine, energy), training, dense, full)
    return TrainingEstimate(
        model=dense.name,
        hardware=hw.name,
        clock_mhz=hw.clock_mhz,
        clock_source=clock_source(hw),
        pes=hw.pes,
        effort=effort,
        batch=dense.batch,
        training=training,
        weights=dense.weights,
        steps=tuple(step.cost(each, parts) for each, parts in zip(steps, others, strict=True)),
        energy_table=energy.name,
        assumptions=(*training_assumptions(dense, hw, training, effort), *dense.notes, *energy.assumptions),
    )


class _Step:
    """Puts the parts of steps beside those of the dense one."""

    def __init__(
        self, energy: EnergyModel, traffic: TrafficPricer, training: Training, dense: TrainingModel, parts: _Parts
    ) -> None:
        self._energy, self._traffic, self._training = energy, traffic, training
        self._dense, self._dense_parts = dense, parts

    def cost(self, planned: PlannedStep, parts: _Parts) -> StepCost:
        """The cost of a step."""
        both = zip(planned.model.layers, parts, self._dense_parts, strict=True)
        layers = tuple(self._layer(layer, own, full) for layer, own, full in both)
        traffic = tuple(self._lines(planned.model, parts))
        return StepCost(
            share=planned.share,
            forward=planned.forward,
            backward=planned.backward,
            update=planned.update,
            limit=planned.limit,
            layers=layers,
            traffic=traffic,
            overlapped=self._overlapped(layers, traffic),
        )

    def _overlapped(self, layers: Sequence[TrainedLayerCost], traffic: Sequence[Traffic]) -> Clocks:
        """Of each phase the clocks of its programs, or of all its bytes if these take longer."""
        cycles = dense = 0
        for phase in _PHASES:
            own = [cost for layer in layers for cost in layer.costs if cost.role in phase]
            every = own + [each.cost for each in traffic if each.within in phase]
            programs, moved = total(own, phase), total(every, tuple(Role))
            bytes_ = self._traffic.clocks(moved.read_bytes, moved.written_bytes)
            bytes_dense = self._traffic.clocks(moved.read_bytes_dense, moved.written_bytes_dense)
            cycles += max(programs.cycles, bytes_)
            dense += max(programs.cycles_dense, bytes_dense)
        return Clocks(cycles=cycles, dense=dense)

    def _layer(self, layer: TrainedLayer, parts: Sequence[Part], dense: Sequence[Part]) -> TrainedLayerCost:
        notes = [] if layer.stored else ["a product of activations: dense"]
        if layer.stored and not layer.backward and self._training is Training.BACKPROPAGATION:
            notes.append("nobody needs the gradient of its input")
        if any(part.turned is False for part in parts):
            notes.append("the host turns its input")
        costs = tuple(self._role(own, full) for own, full in zip(parts, dense, strict=True))
        return TrainedLayerCost(
            name=layer.name, kind=layer.kind.value, shape=layer.shape, costs=costs, note="; ".join(notes)
        )

    def _role(self, own: Part, full: Part) -> RoleCost:
        return RoleCost(
            role=own.role,
            pattern=str(own.pattern),
            cycles=sum(cost.cycles for cost in own.costs),
            cycles_dense=sum(cost.cycles for cost in full.costs),
            macs=sum(cost.macs for cost in own.costs),
            macs_dense=own.macs_dense,
            read_bytes=sum(cost.machine.read_bytes for cost in own.costs),
            written_bytes=sum(cost.machine.written_bytes for cost in own.costs),
            read_bytes_dense=sum(cost.machine.read_bytes for cost in full.costs),
            written_bytes_dense=sum(cost.machine.written_bytes for cost in full.costs),
            energy_pj=self._pj(own),
            energy_dense_pj=self._pj(full),
            output_stationary=own.output_stationary,
            output_stationary_dense=full.output_stationary,
        )

    def _pj(self, part: Part) -> float:
        costs = part.costs
        return sum(sum(self._energy.energy(each.events, each.machine, each.cycles).values()) for each in costs)

    def _lines(self, model: TrainingModel, parts: _Parts) -> Iterator[Traffic]:
        stored, sums = _moved(parts)
        stored_dense, sums_dense = _moved(self._dense_parts)
        made, added = (stored, stored_dense), (sums, sums_dense)
        yield from optimiser_lines(self._traffic, self._training, model.weights, made, added)
        backward = self._training is Training.BACKPROPAGATION
        yield from host_lines(self._traffic, model.host, self._dense.host, backward=backward)


def _moved(parts: _Parts) -> tuple[int, int]:
    """Bytes of stationary weights that a step makes, and partial sums of gradients."""
    every = [part for layer in parts for part in layer]
    return sum(part.stored_bytes for part in every), sum(part.sums for part in every)
