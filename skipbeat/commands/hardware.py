"""`skipbeat hardware`: a hardware description, checked, with the sizes that follow from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import csv_option, hardware_options, json_option

if TYPE_CHECKING:
    from skipbeat_arch.hardware import Hardware

#: Property of `Hardware` -> what it means.
DERIVED = {
    "pes": "processing elements, one multiplier each",
    "index_bits": "bits of a position inside a group",
    "psum_bits": "bits of the partial sum that leaves a column",
    "word_bits": "bits of a word of the weight stream",
    "metadata_words": "words of metadata of the largest tile",
    "result_depth": "entries of the result buffer",
}


@click.command("hardware", short_help="Show a hardware description and the sizes that follow from it.")
@hardware_options
@csv_option("the keys, which is one row (with --presets, their names)")
@json_option
@click.option("--presets", is_flag=True, help="List the names of the presets instead.")
def command(hw: str, overrides: tuple[str, ...], csv_file: Path | None, as_json: bool, presets: bool) -> None:
    """Check a hardware description and show it with the sizes that follow from it.

    The output is itself a description: `skipbeat hardware > mine.yaml` is a start for your own.
    Of some descriptions the core can be built, and no accelerator; a line says why.
    With --json, the object has the keys `hardware`, `clock_source`, `derived` and `no_accelerator`, or with --presets,
    `presets`.
    """
    from skipbeat_arch.clock_source import clock_source
    from skipbeat_arch.hardware import load_hardware, preset_names
    from skipbeat_arch.machine import Machine

    from ..results import print_result, provenance, save_table

    if presets:
        names = preset_names()
        save_table(csv_file, [{"preset": name} for name in names], provenance())
        if as_json:
            print_result("presets", {"presets": names}, provenance())
        else:
            click.echo("\n".join(names))
        return
    hardware = load_hardware(hw, overrides)
    derived = {name: getattr(hardware, name) for name in DERIVED}
    source, lacking = clock_source(hardware), Machine.lacking(hardware)
    found, made = (
        {"hardware": hardware.model_dump(), "clock_source": source, "derived": derived, "no_accelerator": lacking},
        provenance(hardware=hardware),
    )
    save_table(csv_file, [found], made)
    if as_json:
        print_result("hardware", found, made)
    else:
        click.echo(_as_yaml(hardware, source, derived, lacking))


def _as_yaml(hardware: Hardware, source: str, derived: dict[str, int], lacking: str | None) -> str:
    import yaml

    lines = [yaml.safe_dump(hardware.model_dump(exclude_none=True), sort_keys=False), f"# The clock is {source}."]
    if lacking is not None:
        lines.append(f"# A core alone, and no accelerator: {lacking}.")
    lines.append("# What follows from it:")
    lines += [f"# {name + ':':<16}{value:>7}  {DERIVED[name]}" for name, value in derived.items()]
    return "\n".join(lines)
