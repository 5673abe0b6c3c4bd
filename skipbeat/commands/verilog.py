"""`skipbeat verilog`: the Verilog of the core or of the accelerator for a hardware description."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ..options import hardware_options


@click.command("verilog", short_help="Generate the Verilog of a hardware description.")
@hardware_options
@click.option(
    "--top",
    type=click.Choice(["core", "accelerator"]),
    default="core",
    show_default=True,
    help="The core with its streams, or the accelerator with AXI4 and AXI4-Lite around it.",
)
@click.option(
    "--prefix",
    default="",
    metavar="NAME",
    help="Stands before the name of every module and of the file, so that two builds fit into one design.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
def command(hw: str, overrides: tuple[str, ...], top: str, prefix: str, out: Path) -> None:
    """Write `core.v` or `accelerator.v`, complete in one file, and `hardware.yaml`, the description it is of.

    The top module has the file's name (with `--prefix`, both begin with it), one clock `clk` and a synchronous reset
    `rst` (active high). The core has four streams with valid and ready, and an error code: docs/microarchitecture.md
    says what each port carries. The accelerator has `m_axi_*`, `s_axi_*` and an interrupt: docs/integration.md.
    """
    import yaml

    from skipbeat_arch.errors import InputError
    from skipbeat_arch.files import make_folder, write_text
    from skipbeat_arch.hardware import load_hardware

    if not re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)?", prefix):
        raise InputError(f"--prefix {prefix}: expected letters, digits and underscores, and no digit first")
    hardware = load_hardware(hw, overrides)
    make_folder(out)
    from skipbeat_arch.machine import Machine
    from skipbeat_hw.tools.readable import readable
    from skipbeat_hw.tools.verilog import accelerator_verilog, core_verilog

    array = hardware.array
    title = f"// skipbeat {top} for {hardware.name}: {array.rows} x {array.cols} PEs, M = {array.group}"
    text = core_verilog(hardware) if top == "core" else accelerator_verilog(Machine.of(hardware))
    click.echo(write_text(out / f"{prefix}{top}.v", f"{title}\n{readable(text, prefix)}"))
    click.echo(write_text(out / "hardware.yaml", yaml.safe_dump(hardware.model_dump(), sort_keys=False)))
