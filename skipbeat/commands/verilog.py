"""`skipbeat verilog`: the Verilog of the core or of the accelerator for a hardware description."""

from __future__ import annotations

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
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
def command(hw: str, overrides: tuple[str, ...], top: str, out: Path) -> None:
    """Write `core.v` or `accelerator.v`, complete in one file, and `hardware.yaml`, the description it is of.

    The top module has the file's name, one clock `clk` and a synchronous reset `rst` (active high). The core has four
    streams with valid and ready, and an error code: docs/microarchitecture.md says what each port carries. The
    accelerator has `m_axi_*`, `s_axi_*` and an interrupt: docs/integration.md.
    """
    import yaml

    from skipbeat_arch.files import make_folder, write_text
    from skipbeat_arch.hardware import load_hardware

    hardware = load_hardware(hw, overrides)
    make_folder(out)
    from skipbeat_arch.machine import Machine
    from skipbeat_hw.tools.verilog import accelerator_verilog, core_verilog

    array = hardware.array
    title = f"// skipbeat {top} for {hardware.name}: {array.rows} x {array.cols} PEs, M = {array.group}"
    text = core_verilog(hardware) if top == "core" else accelerator_verilog(Machine.of(hardware))
    click.echo(write_text(out / f"{top}.v", f"{title}\n{text}"))
    click.echo(write_text(out / "hardware.yaml", yaml.safe_dump(hardware.model_dump(), sort_keys=False)))
