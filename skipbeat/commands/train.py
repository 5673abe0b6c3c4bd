"""`skipbeat train`: a network from scratch under sparsity, in the machine's integers."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import csv_option, destination, hardware_options_of, json_option, seed_option

#: Groups of 8, as the default patterns have them.
TRAINING_HARDWARE = "edge-16x16-m8"
TRAIN_IMAGES = 1347


@click.command("train", short_help="Train a digits network from scratch under sparsity, in the machine's integers.")
@click.argument("source", metavar="MODEL")
@click.option("--steps", type=click.IntRange(1, 100_000), default=630, show_default=True, help="Batches to train on.")
@click.option(
    "--forward",
    metavar="PATTERN_OR_FILE",
    default="2:8",
    show_default=True,
    help="What is kept of the weights along the input channels: N:M, dense, or a .yaml file with a pattern per layer.",
)
@click.option(
    "--backward",
    metavar="PATTERN_OR_FILE",
    default="2:8",
    show_default=True,
    help="What is kept of the weights along the output channels, likewise.",
)
@click.option(
    "--update",
    metavar="dense|1:Q",
    default="1:2",
    show_default=True,
    help="What is kept of the gradients along the images, chosen without bias; Q is a power of two.",
)
@click.option("--batch", type=click.IntRange(2, TRAIN_IMAGES), default=64, show_default=True, help="Images of a step.")
@click.option("--rtl", is_flag=True, help="Make every product of the steps by programs on the RTL too, and compare.")
@click.option("--cycle-model", is_flag=True, help="The same on the cycle model, about 10,000 clocks per second.")
@click.option("--out", metavar="FILE", callback=destination, help="Write weights, momenta and tiles to this .npz file.")
@hardware_options_of(TRAINING_HARDWARE)
@seed_option
@csv_option("the layers")
@json_option
def command(
    source: str,
    steps: int,
    forward: str,
    backward: str,
    update: str,
    batch: int,
    rtl: bool,
    cycle_model: bool,
    out: Path | None,
    hw: str,
    overrides: tuple[str, ...],
    seed: int,
    csv_file: Path | None,
    as_json: bool,
) -> int:
    """Train MODEL from scratch on scikit-learn's digits by the integer oracle of a sparse training step.

    MODEL is zoo:digits-cnn, zoo:tiny-resnet, or module:function from the current folder, whose module reads images
    [N, 1, 8, 8] and ends in a layer of 10 outputs. All products are of bytes; weights and momenta have 32 bits, and
    draws follow from the seed: the same command gives the same bits. The first convolution, the last layer and
    depthwise ones stay dense in both passes, unless a .yaml file names them.

    What the machine has no module for is computed by the host, in real numbers, and named. With --rtl or --cycle-model
    a second training runs beside the oracle's. Its forward, backward and update products are programs of the machine.
    What the machine does not do yet around them (turning, choosing, rounding, packing, updating) is done by the host,
    by the definitions of the modules, and the report has the bytes. Every sum, weight, momentum and mask must be the
    oracle's, and all clocks and counters those of the timing model. Exit status 1 if they are not.

    With --set outputs.gradients=true the machine rounds the gradients that a layer hands on, by draws that are those of
    the program's STOREs, also in the oracle, and stores what a layer makes so that its bytes tell a ReLU's derivative.
    With --set outputs.turn=true it turns what a layer reads for its update, if the batch is a multiple of its columns.

    The .npz file holds for each layer `weight`, `momentum`, `bias` and `bias_momentum` int32, and of both passes the
    bytes that are kept, their mask, and the exponents of their columns' units.
    """
    from skipbeat_arch.extras import require_packages
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.pattern import Pattern

    require_packages("for scikit-learn's digits", "sklearn")
    if rtl:
        require_packages("to run the RTL", "amaranth", extra="rtl")
    hardware = load_hardware(hw, overrides)
    chosen = Pattern.parse(update)

    from skipbeat_arch.array_file import save_arrays
    from skipbeat_models.integer_training.training_patterns import TrainingPatterns
    from skipbeat_models.integer_training.training_plan import TrainingPlan
    from skipbeat_models.scheme import Scheme
    from skipbeat_reports.trained_digits import print_training

    from ..results import print_result, provenance, save_table
    from ..training_run import train

    patterns = TrainingPatterns(forward=Scheme.parse(forward), backward=Scheme.parse(backward), update=chosen)
    plan = TrainingPlan(steps=steps, batch=batch, seed=seed)
    found = train(source, patterns, plan, hardware, rtl=rtl, cycle_model=cycle_model)
    report = found.report | {"model": source, "hardware": hardware.name}
    if out is not None:
        save_arrays(out, found.arrays)
    made = provenance(seed=seed, hardware=hardware, scheme=patterns.forward, source=found.source)
    save_table(csv_file, report["layers"], made)
    if as_json:
        print_result("train", report, made)
    else:
        print_training(report)
    machine = report["machine"]
    return 1 if machine is not None and not machine["agrees"] else 0
