"""`skipbeat synth`: area and clock frequency of the hardware."""

from __future__ import annotations

import json

import click

from ..options import hardware_options, json_option

#: Written out because importing them from the hardware's package would slow `--help` down; a test compares them.
TOPS = ["array", "core", "decoder", "accumulators", "results", "sequencer", "output_stage", "accelerator"]
PARTS = ["ecp5", "xcup"]


@click.command("synth", short_help="Area and clock frequency of the hardware.")
@hardware_options
@click.option(
    "--part",
    type=click.Choice(PARTS),
    default="ecp5",
    show_default=True,
    help="ecp5: LFE5U-85F, speed grade 6, routed; xcup: UltraScale+, area only.",
)
@click.option("--top", type=click.Choice(TOPS), default="array", show_default=True, help="What is measured.")
@click.option(
    "--seeds",
    type=click.IntRange(0, 100),
    default=3,
    show_default=True,
    help="Place and route (ecp5) that many times; the median frequency counts. 0 measures the area alone.",
)
@json_option
def command(hw: str, overrides: tuple[str, ...], part: str, top: str, seeds: int, as_json: bool) -> None:
    """Synthesise a component with Yosys and, for ECP5, place and route it with nextpnr.

    Takes from a minute (8 x 8, area) to many; results are kept under build/synth. Frequencies are out of context: they
    count paths between registers.
    """
    from skipbeat_arch.hardware import load_hardware

    hardware = load_hardware(hw, overrides)
    from skipbeat_hw.tools.synthesis import Part, synthesise
    from skipbeat_hw.tools.synthesis_tops import operands, top_verilog

    from ..progress import step

    result = synthesise(
        top_verilog(hardware, top),
        top,
        Part(part),
        operands=operands(hardware, top),
        seeds=range(1, seeds + 1),
        progress=step,
    )
    if as_json:
        click.echo(json.dumps({"hardware": hardware.name, "pes": hardware.pes, **result.to_json()}))
        return
    for name, count in result.to_json()["area"].items():
        click.echo(f"{name:<7}{count:>8}{count / hardware.pes:>10.2f} per PE")
    if result.median_fmax_mhz is not None:
        each = ", ".join(f"{mhz:.1f}" for mhz in result.fmax_mhz)
        click.echo(f"{result.median_fmax_mhz:.1f} MHz, the median of {each}")
    click.echo(f"{', '.join(result.tools)}; script and netlist in {result.folder}")
