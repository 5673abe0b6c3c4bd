"""`skipbeat simulate`: a whole network by its program, on the models and on the RTL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import (
    csv_option,
    destination,
    effort_option,
    hardware_options,
    json_option,
    limit_option,
    network_pattern_option,
    seed_option,
)

if TYPE_CHECKING:
    from skipbeat_arch.effort import Effort
    from skipbeat_hw.simulation.activity import Activity


@click.command("simulate", short_help="Run a whole network on the models, or on the RTL as well.")
@click.argument("source", metavar="MODEL")
@network_pattern_option
@hardware_options
@click.option("--rtl", is_flag=True, help="Run it on the RTL of the whole machine too, and compare.")
@click.option(
    "--cycle-model/--no-cycle-model",
    default=True,
    show_default=True,
    help="Run the cycle model, about 10,000 clocks per second; the timing model, a second or two, always predicts.",
)
@click.option("--layer", metavar="NAME", help="Run this layer alone, on what the oracle gives it.")
@click.option("--images", type=click.IntRange(1, 450), default=1, show_default=True, help="Test images.")
@click.option(
    "--batch",
    type=click.IntRange(1, 450),
    help="Images that a run of the program computes; it divides --images.  [default: as many as `estimate` takes]",
)
@click.option(
    "--activity",
    metavar="FILE",
    callback=destination,
    help="With --rtl: how often each net changes (.saif), or each change (.vcd), for a power tool; of the first run.",
)
@click.option(
    "--window",
    nargs=2,
    type=click.IntRange(min=0),
    metavar="FIRST CLOCKS",
    help="Only so many clocks of it go to --activity.  [default: the whole run]",
)
@click.option("--dump", metavar="FILE", callback=destination, help="Write inputs and outputs to this .npz file.")
@effort_option
@limit_option
@seed_option
@csv_option("the layers")
@json_option
def command(
    source: str,
    pattern: str | None,
    hw: str,
    overrides: tuple[str, ...],
    rtl: bool,
    cycle_model: bool,
    layer: str | None,
    images: int,
    batch: int | None,
    activity: Path | None,
    window: tuple[int, int] | None,
    dump: Path | None,
    effort: Effort,
    seed: int,
    csv_file: Path | None,
    as_json: bool,
) -> int:
    """Run MODEL from input to logits by its program, memory traffic included.

    A model `zoo:NAME` is trained (or drawn from the seed, if there is no data for it), pruned to the pattern and
    quantised. `module:function` is found from the current folder; the function returns (model, example_inputs), which
    calibrate the quantisation and are what can be run: of a network that is one program images, float [N, C, H, W].
    Every run is compared with the integer oracle, and its cycles, those of each layer and all performance counters
    with the prediction of the timing model. Layers are those of one run, for a whole batch. A layer's bound is what
    needs the most clocks for it: the array's steps, the memory, the decoder of weights or the output stage.

    A network with operators of the host (softmax, norms, GELU, embeddings: a transformer) runs as many programs, on
    example inputs as they are, with the host's operators computed between them in float64; its logits must be those
    that the oracle gives. Exit status 1 if anything that ran does not agree. Of levels that were not run the JSON
    object has null, and `agrees` and `bit_exact` are null if none ran but the timing model.

    The dump holds what the RTL (without --rtl, the cycle model) was given and what it left in memory: of one program
    `x` int8 [N, C, H, W] and `y` int32 or int8 [N, K, H, W], with `x_scale` and `y_scale`, the real value of one unit;
    of many programs the arguments `x0`, `x1` … and `y`, in real numbers, [N, ...].
    """
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.machine import Machine
    from skipbeat_arch.pattern import Pattern

    _check(images, batch, dump, rtl=rtl, computes=rtl or cycle_model)
    hardware = Machine.of(load_hardware(hw, overrides)).hw
    wanted = None if pattern is None else Pattern.parse(pattern)
    recorded = _activity(activity, window, rtl)

    from skipbeat_arch.array_file import save_arrays
    from skipbeat_reports.simulated import print_simulation

    from ..networks import pattern_of, prepare_network
    from ..results import print_result, provenance, save_table

    network = prepare_network(source, wanted, seed, images)
    from ..simulation import simulate  # what it imports need not be there beside the model's real weights

    found = simulate(
        network, hardware, layer, images, batch, rtl=rtl, cycle_model=cycle_model, activity=recorded, effort=effort
    )
    if dump is not None:
        save_arrays(dump, found.arrays)
    report = found.report | {"model": source, "layer": layer, "hardware": hardware.name, "seed": seed}
    report |= {"pattern": pattern_of(source, wanted), "images": images, "batch": found.batch}
    made = provenance(seed=seed, hardware=hardware, scheme=network.scheme, source=found.source)
    save_table(csv_file, report["layers"], made)
    if as_json:
        print_result("simulate", report, made)
    else:
        print_simulation(report)
    return 1 if report["agrees"] is False else 0


def _activity(file: Path | None, window: tuple[int, int] | None, rtl: bool) -> Activity | None:
    """The window of clocks that is recorded."""
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.files import make_folder
    from skipbeat_hw.simulation.activity import Activity

    if file is None:
        if window is not None:
            raise InputError("--window: expected with --activity FILE")
        return None
    if not rtl:
        raise InputError("--activity: the nets are the RTL's; expected --rtl")
    make_folder(file.parent)
    return Activity.of(file, *(window or ()))


def _check(images: int, batch: int | None, dump: Path | None, *, rtl: bool, computes: bool) -> None:
    """Refuses what cannot be, before any work begins."""
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.extras import require_packages

    if rtl:
        require_packages("to run the RTL", "amaranth", extra="rtl")
    if batch is not None and images % batch:
        raise InputError(f"--batch: {batch} does not divide {images} images")
    if dump is not None and not computes:
        raise InputError("--dump: the timing model computes no output; expected --rtl, or not --no-cycle-model")
