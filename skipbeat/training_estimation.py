"""What a training step costs on the hardware: from any source, or a module in memory, to its price."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import NoneType

from skipbeat_arch.arguments import expect, expect_whole
from skipbeat_arch.effort import Effort
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.provenance import Source, content_digest
from skipbeat_arch.training_estimate import TrainingEstimate
from skipbeat_arch.training_model import Training, TrainingModel
from skipbeat_mapper.estimate import shared_prices
from skipbeat_mapper.training import PlannedStep, estimate_training
from skipbeat_models.alone import output_on_standard_error
from skipbeat_models.gradients.build_step import StepPatterns, training_model
from skipbeat_models.gradients.schedule import ScheduledStep, one_step, read_schedule
from skipbeat_models.gradients.trained_network import TrainedNetwork, exported, read_network, trained_network
from skipbeat_models.torch_types import Module, Tensor
from skipbeat_sim.energy.load_table import DEFAULT_TABLE

from .api_arguments import HardwareLike, check_model, effort_of, hardware_of, positional
from .options import TRAINING_HARDWARE
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
        network = read_network(source, batch, seed=seed, tokens=tokens, stores=_stores(hardware, training))
    progress(f"pricing {len(network.layers)} layers on {hardware.name}")
    with working("pricing"):
        return _estimated(network, hardware, schedule, table, training, seed, effort)


def train_estimate(
    model: Module,
    example_inputs: Tensor | Sequence[object],
    hardware: HardwareLike = TRAINING_HARDWARE,
    *,
    kwargs: Mapping[str, object] | None = None,
    forward: str = "2:8",
    backward: str = "2:8",
    update: str = "dense",
    schedule: str | Path | None = None,
    forward_only: bool = False,
    batch: int = 256,
    table: str | Path = DEFAULT_TABLE,
    effort: str = Effort.NORMAL,
    seed: int = 0,
    name: str | None = None,
) -> TrainingEstimate:
    """What a sparse training step of a model costs: forward, backward, update, optimiser and host.

    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1))
    >>> found = train_estimate(model, torch.zeros(1, 8, 8, 8), "tiny-4x4", forward="2:4", backward="2:4", batch=16)
    >>> [layer.name for layer in found.steps[0].layers], found.array.speedup < found.limit
    (['0', '2'], True)

    Args:
        model: it is exported by torch.export as it is; values of weights are not looked at.
        example_inputs: what the forward is called with: one tensor, or all positional arguments. The first size that
            all tensors share is the number of examples in them.
        hardware: a preset's name, the path of a .yaml file, or a `Hardware`.
        kwargs: arguments by name.
        forward, backward: what is kept of the weights along input and output channels: a pattern, or the path of a
            scheme's .yaml file. The first convolution, the last layer and depthwise ones stay dense.
        update: what is kept of the gradients along the images: dense, or 1:Q.
        schedule: the path of a .yaml file with patterns that change, in place of these three.
        forward_only: two forward passes a step, and no backward pass.
        batch: examples of a step.
        table: name of an energy table, or a .yaml file.
        effort: how many mappings are tried: `quick`, `normal` or `best`.
        seed: of all zeros.
        name: of the model; None: its class.

    Returns:
        `array`, `overlapped` and `in_turn` are clocks of the mean step beside those of the dense one. `limit` is the
        speed-up that the patterns allow, and `steps` has layers, optimiser and host.

    Raises:
        InputError: the model does not export, an operator has no backward, a layer does not fit the hardware, or
            another argument is wrong.
    """
    check_model(model, seed=seed)
    expect_whole("batch", batch, 1, "a whole number of at least 1")
    expect("forward_only", forward_only, bool, "True or False")
    for what, given in (("forward", forward), ("backward", backward), ("update", update)):
        expect(what, given, str, "a pattern, or the path of a scheme's .yaml file")
    expect("schedule", schedule, (str, Path, NoneType), "the path of a .yaml file, or None")
    expect("name", name, (str, NoneType), "text, or None")
    steps = one_step(forward, backward, update) if schedule is None else read_schedule(Path(schedule))
    hw, training = hardware_of(hardware), Training.FORWARD_ONLY if forward_only else Training.BACKPROPAGATION
    graph = exported(model, positional(example_inputs), kwargs or {})
    network = trained_network(graph, name or type(model).__name__, batch, stores=_stores(hw, training))
    return _estimated(network, hw, steps, table, training, seed, effort_of(effort))


def _stores(hardware: Hardware, training: Training) -> bool:
    """Whether the machine stores what trains: it pools, and applies derivatives of clamps."""
    return hardware.outputs.gradients and training is Training.BACKPROPAGATION


def _estimated(
    network: TrainedNetwork,
    hardware: Hardware,
    schedule: Sequence[ScheduledStep],
    table: str | Path,
    training: Training,
    seed: int,
    effort: Effort,
) -> TrainingEstimate:
    """The price of a network's step, with where it comes from."""
    columns = hardware.array.cols
    dense = training_model(network, StepPatterns(), columns, seed)
    steps = [_planned(network, step, training, columns, seed) for step in schedule]
    found = estimate_training(
        steps, dense, hardware, training=training, table_name=table, kept=shared_prices(), effort=effort
    )
    made = provenance(
        seed=seed, hardware=hardware, scheme=schedule[0].patterns.forward, source=_source(network.name, steps[0].model)
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
