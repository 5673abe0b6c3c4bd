"""`skipbeat verilog`: the Verilog of the core for a hardware description."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import hardware_options


@click.command("verilog", short_help="Generate the Verilog of a hardware description.")
@hardware_options
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
def command(hw: str, overrides: tuple[str, ...], out: Path) -> None:
    """Write `core.v`, the core with everything that it contains, and `hardware.yaml`, the description it is of.

    The top module is `core`: one clock `clk`, a synchronous reset `rst` (active high), four streams with
    valid and ready, and an error code. docs/microarchitecture.md says what each port carries.
    """
    import yaml

    from skipbeat_arch.hardware import load_hardware

    from ..files import make_folder, write_text

    hardware = load_hardware(hw, overrides)
    make_folder(out)
    from skipbeat_hw.verilog import core_verilog

    array = hardware.array
    title = f"// skipbeat core for {hardware.name}: {array.rows} x {array.cols} PEs, M = {array.group}"
    click.echo(write_text(out / "core.v", f"{title}\n{core_verilog(hardware)}"))
    click.echo(write_text(out / "hardware.yaml", yaml.safe_dump(hardware.model_dump(), sort_keys=False)))
