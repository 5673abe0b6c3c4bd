"""`skipbeat demo`: the main job on real data, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import hardware_options, json_option, pattern_option, seed_option

if TYPE_CHECKING:
    from skipbeat_reports.ran import MachineCheck

MIN_IMAGES = 8
#: Enough that the weights, which are loaded once for all images, do not bound the run.
IMAGES = 16


@click.command("demo", short_help="Train, prune, compile, run on RTL and report: everything, once.")
@pattern_option
@hardware_options
@click.option("--out", type=Path, default=Path("build/demo"), show_default=True, help="Folder for the report.")
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

    It runs as one program on the whole machine, from memory to memory. Its estimate and what ran are written to
    report.html, summary.json and layers.csv. Exit status 0 only if RTL, cycle model and timing model agree in every
    bit, every clock and every performance counter; 1 otherwise.
    """
    from skipbeat_arch.extras import require_packages
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.pattern import Pattern

    require_packages("for the demo", "sklearn", "amaranth", extra="demo")
    hardware = load_hardware(hw, overrides)
    wanted = Pattern.parse(pattern)

    from skipbeat_arch.files import check_destination, make_folder, write_text
    from skipbeat_reports.estimate import layer_rows, print_estimate, to_json, write_page
    from skipbeat_reports.result import schema_name

    from ..demonstration import demonstrate
    from ..progress import step
    from ..results import save_table

    make_folder(out)
    page, data, table = (check_destination(out / name) for name in ("report.html", "summary.json", "layers.csv"))
    step(f"seed {seed}")
    estimate, ran = demonstrate(wanted, hardware, images=images, seed=seed, progress=step)
    summary = to_json(estimate) | {"schema": schema_name("demo"), "ran": ran.to_json()}
    write_text(data, json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_page(estimate, page, ran)
    save_table(table, layer_rows(estimate), estimate.provenance)
    if as_json:
        click.echo(json.dumps(summary))
        return 0 if ran.machine.agrees else 1
    print_estimate(estimate)
    accuracy = ran.accuracy
    click.echo(f"\naccuracy: dense {accuracy.dense:.1%}, pruned {accuracy.pruned:.1%}, int8 {accuracy.int8:.1%}")
    click.echo(_verdict(ran.machine))
    click.echo(f"the array makes a step in {ran.machine.core_speed:.1%} of the machine's clocks")
    click.echo(f"{page}\n{data}\n{table}")
    return 0 if ran.machine.agrees else 1


def _verdict(check: MachineCheck) -> str:
    what = "every bit, every clock of every layer and every performance counter"
    verdict = f"agree in {what}" if check.agrees else "DO NOT AGREE"
    return (
        f"{check.images} images on the machine, memory to memory: RTL {check.rtl_cycles:,}, "
        f"cycle model {check.model_cycles:,}, timing model {check.timing_cycles:,} cycles: they {verdict}"
    )
