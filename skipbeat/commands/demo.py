"""`skipbeat demo`: the main job on real data, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import hardware_options, json_option, pattern_option, seed_option, simulator_option

if TYPE_CHECKING:
    from ..cosimulation import SimulatorName

MIN_IMAGES = 8


@click.command("demo", short_help="Train, prune, compile, run on RTL and report: everything, once.")
@pattern_option
@hardware_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("build/demo"),
    show_default=True,
    help="Folder for the report.",
)
@click.option(
    "--images",
    type=click.IntRange(MIN_IMAGES, 450),
    default=MIN_IMAGES,
    show_default=True,
    help="Test images that run on the RTL, as one batch.",
)
@seed_option
@simulator_option
@json_option
def command(
    pattern: str, hw: str, overrides: tuple[str, ...], out: Path, images: int, seed: int, simulator: SimulatorName,
    as_json: bool,
) -> int:  # fmt: skip
    """Train the digits network, prune it, quantise it, compile it and run all its layers on the RTL.

    Writes report.html and summary.json. Exit status 0 only if RTL, cycle model and timing model agree in every bit
    and every clock; 1 otherwise.
    """
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.pattern import Pattern

    hardware = load_hardware(hw, overrides)
    wanted = Pattern.parse(pattern)

    from skipbeat_reports.terminal import print_layers
    from skipbeat_reports.write import write_report

    from ..digits import compile_network, prepare, run_on_rtl, summarise
    from ..files import make_folder
    from ..progress import step

    make_folder(out)
    step(f"seed {seed}")
    prepared = prepare(wanted, seed, step)
    step("compiling")
    layers = compile_network(prepared, hardware, images)
    rtl = run_on_rtl(prepared, layers, hardware, images, simulator, step)
    summary = summarise(prepared, layers, hardware, batch=images, seed=seed, rtl=rtl)
    page, data = write_report(summary, out)
    if as_json:
        click.echo(json.dumps(summary.to_json()))
        return 0 if rtl.agrees else 1
    print_layers(summary.layers)
    accuracy = summary.accuracy
    if accuracy is not None:
        click.echo(f"accuracy: dense {accuracy.dense:.1%}, pruned {accuracy.pruned:.1%}, int8 {accuracy.int8:.1%}")
    verdict = "agree in every bit and every clock" if rtl.agrees else "DO NOT AGREE"
    click.echo(
        f"{images} images on the RTL: RTL {rtl.rtl_cycles:,}, cycle model {rtl.model_cycles:,}, "
        f"timing model {rtl.timing_cycles:,} cycles: they {verdict}"
    )
    click.echo(f"{page}\n{data}")
    return 0 if rtl.agrees else 1
