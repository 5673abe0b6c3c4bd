"""`skipbeat demo`: the main job on real data, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import hardware_options, json_option, pattern_option, seed_option

if TYPE_CHECKING:
    from skipbeat_reports.machine_check import MachineCheck

MIN_IMAGES = 8
#: Enough that the weights, which are loaded once for all images, do not bound the run.
IMAGES = 16


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
    default=IMAGES,
    show_default=True,
    help="Test images that run on the RTL, as one batch.",
)
@seed_option
@json_option
def command(pattern: str, hw: str, overrides: tuple[str, ...], out: Path, images: int, seed: int, as_json: bool) -> int:
    """Train the digits network, prune it, quantise it, compile it and run it on the RTL.

    It runs as one program on the whole machine, from memory to memory (where the hardware description has one), and
    report.html and summary.json are written. Exit status 0 only if RTL, cycle model and timing model agree in every
    bit, every clock and every performance counter; 1 otherwise.
    """
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.pattern import Pattern

    hardware = load_hardware(hw, overrides)
    wanted = Pattern.parse(pattern)

    from skipbeat_arch.files import make_folder
    from skipbeat_reports.machine_check import MachineCheck
    from skipbeat_reports.terminal import print_layers
    from skipbeat_reports.write import write_report

    from ..digits import compile_network, prepare, summarise
    from ..machine_demo import run_on_machine
    from ..progress import step

    make_folder(out)
    step(f"seed {seed}")
    prepared = prepare(wanted, seed, step)
    step("compiling")
    layers = compile_network(prepared, hardware, images)
    whole = run_on_machine(prepared, hardware, images, step)
    machine = whole if isinstance(whole, MachineCheck) else None
    summary = summarise(prepared, layers, hardware, batch=images, seed=seed, machine=machine)
    page, data = write_report(summary, out)
    agrees = machine is None or machine.agrees
    if as_json:
        click.echo(json.dumps(summary.to_json()))
        return 0 if agrees else 1
    print_layers(summary.layers)
    accuracy = summary.accuracy
    if accuracy is not None:
        click.echo(f"accuracy: dense {accuracy.dense:.1%}, pruned {accuracy.pruned:.1%}, int8 {accuracy.int8:.1%}")
    if machine is None:
        click.echo(f"the whole machine was not run: {whole}")
    else:
        where = f"{images} images on the whole machine, memory to memory"
        click.echo(_verdict(where, machine, "every bit, every clock of every layer and every performance counter"))
        click.echo(f"the array makes a step in {machine.core_speed:.1%} of the machine's clocks")
    click.echo(f"{page}\n{data}")
    return 0 if agrees else 1


def _verdict(where: str, check: MachineCheck, what: str) -> str:
    verdict = f"agree in {what}" if check.agrees else "DO NOT AGREE"
    return (
        f"{where}: RTL {check.rtl_cycles:,}, cycle model {check.model_cycles:,}, "
        f"timing model {check.timing_cycles:,} cycles: they {verdict}"
    )
