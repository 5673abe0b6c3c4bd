"""`skipbeat simulate`: a whole network by its program, on the cycle model and on the RTL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ..options import hardware_options, json_option, pattern_option, seed_option

if TYPE_CHECKING:
    from ..machine_simulation import ImageRun


@click.command("simulate", short_help="Run a whole network on the cycle model, or on the RTL as well.")
@click.argument("source", metavar="MODEL")
@pattern_option
@hardware_options
@click.option("--rtl", is_flag=True, help="Run it on the RTL of the whole machine too, and compare.")
@click.option(
    "--images", type=click.IntRange(1, 450), default=1, show_default=True, help="Test images, one after another."
)
@seed_option
@json_option
def command(
    source: str, pattern: str, hw: str, overrides: tuple[str, ...], rtl: bool, images: int, seed: int, as_json: bool
) -> int:
    """Run MODEL (`zoo:NAME`) from input to logits by its program, memory traffic included.

    The model is trained, pruned to the pattern and quantised with the seed. Every run is compared with the integer
    oracle; with --rtl the cycles of the run and of each layer and all performance counters are compared with the cycle
    model's. Exit status 0 only if everything agrees; 1 otherwise.
    """
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.machine import Machine
    from skipbeat_arch.pattern import Pattern

    hardware = load_hardware(hw, overrides)
    machine = Machine.of(hardware)
    wanted = Pattern.parse(pattern)

    from skipbeat_mapper.machine.compile import compile_network
    from skipbeat_models.graph_oracle import run_graph
    from skipbeat_models.prepare import prepare

    from ..machine_simulation import machine_rtl, run_image
    from ..progress import step

    network = prepare(source, wanted, seed, progress=step)
    step("compiling")
    program = compile_network(network.graph, hardware)
    simulator = None
    if rtl:
        step(f"building the RTL of {hardware.name}")
        simulator = machine_rtl(hardware)
    runs: list[ImageRun] = []
    rates: list[float] = []
    for i, image in enumerate(network.images[:images]):
        step(f"image {i + 1} of {images}")
        expected = run_graph(network.graph, image)[network.graph.output]
        runs.append(run_image(program, machine, image, expected, simulator))
        rates.append(simulator.clocks_per_second if simulator else 0.0)
    report = _report(runs, rates) | {
        "model": source, "hardware": hardware.name, "pattern": str(wanted), "seed": seed, "images": images,
    }  # fmt: skip
    click.echo(json.dumps(report) if as_json else _text(report))
    return 0 if report["agrees"] else 1


def _report(runs: list[ImageRun], rates: list[float]) -> dict[str, Any]:
    first = runs[0].to_json()
    return {
        "agrees": all(run.agrees for run in runs),
        "bit_exact": all(run.bit_exact for run in runs),
        "counters_agree": all(run.counters_agree for run in runs),
        "rtl_cycles": sum(run.rtl.cycles for run in runs if run.rtl) if runs[0].rtl else None,
        "model_cycles": sum(run.model.cycles for run in runs),
        "clocks_per_second": min(rates) if runs[0].rtl else None,
        "bytes_read": first["bytes_read"],
        "bytes_written": first["bytes_written"],
        "layers": first["layers"],
    }


def _text(report: dict[str, Any]) -> str:
    lines = [f"{'layer':<24}{'RTL cycles':>14}{'model cycles':>14}"]
    for layer in report["layers"]:
        rtl = "-" if layer["rtl_cycles"] is None else f"{layer['rtl_cycles']:,}"
        lines.append(f"{layer['name']:<24}{rtl:>14}{layer['model_cycles']:>14,}")
    lines += [f"{name + ':':<20}{report[name]}" for name in report if name != "layers"]
    lines.append("Everything that ran agrees." if report["agrees"] else "NO AGREEMENT")
    return "\n".join(lines)
