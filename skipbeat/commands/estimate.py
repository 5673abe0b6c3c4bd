"""`skipbeat estimate`: throughput of a pruned model, layer by layer."""

from __future__ import annotations

import json

import click

from ..options import hardware_options, json_option, pattern_option, seed_option


@click.command("estimate", short_help="Throughput of a pruned model, layer by layer.")
@click.argument("model", metavar="MODEL")
@pattern_option
@hardware_options
@click.option("--batch", type=click.IntRange(1, 4096), default=1, show_default=True, help="Images at a time.")
@seed_option
@json_option
def command(
    model: str, pattern: str, hw: str, overrides: tuple[str, ...], batch: int, seed: int, as_json: bool
) -> None:
    """Estimate the cycles of MODEL, `zoo:digits-cnn`, on a hardware description.

    The model is trained and pruned to the pattern with the seed. Cycles are exact: the same programs take as many
    clocks on the RTL.
    """
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.pattern import Pattern

    hardware = load_hardware(hw, overrides)
    wanted = Pattern.parse(pattern)
    from skipbeat_arch.errors import InputError
    from skipbeat_models import zoo
    from skipbeat_models.prepare import DIGITS_CNN

    zoo.find(model)
    if model != DIGITS_CNN:
        raise InputError(f"model {model}: expected {DIGITS_CNN}, the only one that can be estimated")
    from skipbeat_reports.terminal import print_layers

    from ..digits import compile_network, prepare, summarise
    from ..progress import step

    prepared = prepare(wanted, seed, step)
    layers = compile_network(prepared, hardware, batch)
    summary = summarise(prepared, layers, hardware, batch=batch, seed=seed, rtl=None)
    if as_json:
        click.echo(json.dumps(summary.to_json()))
        return
    print_layers(summary.layers)
    rate = hardware.clock_mhz * 1e6 * batch / summary.cycles
    click.echo(
        f"{summary.cycles:,} cycles for {batch} image(s): {rate:,.0f} images per second at {hardware.clock_mhz:g} MHz"
    )
    for note in summary.notes:
        click.echo(f"assumption: {note}")
