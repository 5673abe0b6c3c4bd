"""`skipbeat train-estimate`: what a sparse training step costs, layer by layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import (
    TRAINING_HARDWARE,
    csv_option,
    destination,
    effort_option,
    hardware_options_of,
    json_option,
    limit_option,
    seed_option,
)
from .estimate import DEFAULT_TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skipbeat_arch.effort import Effort
    from skipbeat_arch.training_estimate import TrainingEstimate
    from skipbeat_models.gradients.schedule import ScheduledStep


@click.command("train-estimate", short_help="Clocks, bytes and energy of a sparse training step, layer by layer.")
@click.argument("source", metavar="SOURCE")
@click.option(
    "--forward",
    metavar="PATTERN_OR_FILE",
    help="What is kept of the weights along the input channels: N:M, dense, unstructured:DENSITY, block:DENSITY, or a "
    ".yaml file with a pattern per layer.  [default: 2:8]",
)
@click.option(
    "--backward",
    metavar="PATTERN_OR_FILE",
    help="What is kept of the weights along the output channels, likewise.  [default: 2:8]",
)
@click.option(
    "--update",
    metavar="dense|1:Q",
    help="What is kept of the gradients along the images, chosen without bias.  [default: dense]",
)
@click.option(
    "--schedule",
    type=Path,
    metavar="FILE",
    help="Patterns that change while the network trains: a .yaml file with `steps`, a list of share, forward, backward "
    "and update. The report has the mean step.",
)
@click.option(
    "--forward-only", is_flag=True, help="Training without a backward pass: two forward passes a step (zeroth order)."
)
@click.option(
    "--batch", type=click.IntRange(1, 4096), default=256, show_default=True, help="Images or sequences of a step."
)
@click.option("--tokens", type=click.IntRange(1, 1 << 20), help="Length of a language model's sequence.")
@hardware_options_of(TRAINING_HARDWARE)
@click.option(
    "--table",
    metavar="NAME_OR_FILE",
    default=DEFAULT_TABLE,
    show_default=True,
    help="Energy per event, as for `skipbeat estimate`.",
)
@click.option("--html", "page", metavar="FILE", callback=destination, help="Write one self-contained page.")
@effort_option
@limit_option
@seed_option
@csv_option("the layers by forward, backward and update")
@json_option
def command(
    source: str,
    forward: str | None,
    backward: str | None,
    update: str | None,
    schedule: Path | None,
    forward_only: bool,
    batch: int,
    tokens: int | None,
    hw: str,
    overrides: tuple[str, ...],
    table: str,
    page: Path | None,
    effort: Effort,
    seed: int,
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """Price a training step of the model that SOURCE names: forward, backward, update, optimiser and host.

    SOURCE is zoo:NAME (`skipbeat zoo` lists them), module:function found from the current folder, or a file that ends
    in .pt2 or .onnx. Values of weights are not looked at: masks change while a network trains, so their zeros are drawn
    from the seed. As in `skipbeat train`, the first convolution, the last layer and depthwise ones stay dense, unless a
    scheme's file names them.

    Every product of the step is compiled and priced like a layer of `skipbeat estimate`. What is not measured is listed
    as an assumption.
    """
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.training_model import Training

    from ..progress import step
    from ..training_estimation import estimate_step

    found = estimate_step(
        source,
        load_hardware(hw, overrides),
        _schedule(schedule, forward, backward, update),
        table=table,
        training=Training.FORWARD_ONLY if forward_only else Training.BACKPROPAGATION,
        batch=batch,
        tokens=tokens,
        seed=seed,
        effort=effort,
        progress=step,
    )
    _report(found, page, csv_file, as_json)


def _schedule(
    file: Path | None, forward: str | None, backward: str | None, update: str | None
) -> Sequence[ScheduledStep]:
    from skipbeat_arch.errors import InputError
    from skipbeat_models.gradients.schedule import one_step, read_schedule

    if file is None:
        return one_step(forward or "2:8", backward or "2:8", update or "dense")
    if forward or backward or update:
        raise InputError(f"--schedule {file}: expected without --forward, --backward and --update, which it has itself")
    return read_schedule(file)


def _report(estimate: TrainingEstimate, page: Path | None, csv_file: Path | None, as_json: bool) -> None:
    from skipbeat_reports import training as reports

    from ..progress import step
    from ..results import save_table

    save_table(csv_file, reports.layer_rows(estimate), estimate.provenance)
    if page is not None:
        step(f"wrote {reports.write_page(estimate, page)}")
    if as_json:
        click.echo(json.dumps(reports.to_json(estimate), allow_nan=False))
    else:
        reports.print_training(estimate)
