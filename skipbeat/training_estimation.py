"""What a training step costs on the hardware: from any source to its price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from skipbeat_arch.effort import Effort
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.provenance import Source, content_digest
from skipbeat_arch.training_estimate import TrainingEstimate
from skipbeat_arch.training_model import Training, TrainingModel
from skipbeat_mapper.estimate import shared_prices
from skipbeat_mapper.training import PlannedStep, estimate_training
from skipbeat_models.alone import output_on_standard_error
from skipbeat_models.gradients.build_step import StepPatterns, training_model
from skipbeat_models.gradients.schedule import ScheduledStep
from skipbeat_models.gradients.trained_network import TrainedNetwork, read_network

from .progress import working
from .results import provenance


def estimate_step(
    source: str,
    hardware: Hardware,
    schedule: Sequence[ScheduledStep],
    *,
    table: str | Path,
    training: Training = Training.BACKPROPAGATION,
    batch: int = 256,
    tokens: int | None = None,
    seed: int = 0,
    effort: Effort = Effort.NORMAL,
    progress: Callable[[str], None] = lambda _: None,
) -> TrainingEstimate:
    """Read a model by the name of its source and price a training step of it.

    Args:
        schedule: shares of the steps with their patterns.
        table: of energies. batch: examples of a step. tokens: of a sequence, for a language model of the zoo.
        training: how gradients are found. seed: of all zeros. effort: of the search for mappings.
        progress: is told what begins.

    Raises:
        InputError: the source cannot be read, an operator has no backward, or a layer does not fit the hardware.
    """
    with output_on_standard_error():
        network = read_network(source, batch, seed=seed, tokens=tokens)
    columns = hardware.array.cols
    dense = training_model(network, StepPatterns(), columns, seed)
    steps = [_planned(network, step, training, columns, seed) for step in schedule]
    progress(f"pricing {len(network.layers)} layers on {hardware.name}")
    with working("pricing"):
        found = estimate_training(
            steps, dense, hardware, training=training, table_name=table, kept=shared_prices(), effort=effort
        )
    made = provenance(
        seed=seed, hardware=hardware, scheme=schedule[0].patterns.forward, source=_source(source, steps[0].model)
    )
    return replace(found, provenance=made)


def _planned(network: TrainedNetwork, step: ScheduledStep, training: Training, columns: int, seed: int) -> PlannedStep:
    patterns = step.patterns
    forward_only = training is Training.FORWARD_ONLY
    return PlannedStep(
        share=step.share,
        model=training_model(network, patterns, columns, seed),
        forward=str(patterns.forward),
        backward="none" if forward_only else str(patterns.backward),
        update="none" if forward_only else str(patterns.update),
        limit=step.limit(training),
    )


def _source(name: str, model: TrainingModel) -> Source:
    """The model; the digest is of all its products with their zeros."""
    products = (
        repr((layer.name, product.workload, product.weight.key, product.images, product.repeats)).encode()
        for layer in model.layers
        for product in (*layer.forward, *layer.backward)
    )
    return Source(name=name, digest=content_digest(products))
