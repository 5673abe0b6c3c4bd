"""`skipbeat verilog`: the Verilog of the core or of the accelerator for a hardware description."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import hardware_options

if TYPE_CHECKING:
    from skipbeat_arch.hardware import Hardware


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
@click.option("--split", is_flag=True, help="A file for each module, in a folder of the top's name.")
@click.option("--testbench", is_flag=True, help="Also write a testbench with its data and a Makefile for it.")
@click.option("-o", "--out", type=Path, required=True, help="Folder for the files.")
def command(
    hw: str, overrides: tuple[str, ...], top: str, prefix: str, split: bool, testbench: bool, out: Path
) -> None:
    """Write `core.v` or `accelerator.v`, complete in one file, what a vendor's flow wants with it, and
    `hardware.yaml`, the description it is of.

    The top module has the file's name (with `--prefix`, both begin with it), one clock `clk` and a synchronous reset
    `rst` (active high). The core has four streams with valid and ready, and an error code: docs/microarchitecture.md
    says what each port carries. The accelerator has `m_axi_*`, `s_axi_*` and an interrupt: docs/integration.md.

    With it: `filelist.f`, timing constraints (.xdc, .sdc), and of the accelerator a Tcl script that makes a Vivado IP,
    its registers in SystemRDL, and a driver in C.
    The testbench runs in Icarus (`make icarus`) and Verilator (`make verilator`) without Python.
    """
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.extras import require_packages
    from skipbeat_arch.files import make_folder, write_text
    from skipbeat_arch.hardware import load_hardware

    if not re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)?", prefix):
        raise InputError(f"--prefix {prefix}: expected letters, digits and underscores, and no digit first")
    require_packages("to generate Verilog", "amaranth")
    hardware = load_hardware(hw, overrides)
    make_folder(out)
    written = [write_text(out / name, text) for name, text in _files(hardware, top, prefix, split, testbench).items()]
    click.echo("\n".join(map(str, written)))  # when all are there: a reader of the names may go away


def _files(hardware: Hardware, top: str, prefix: str, split: bool, testbench: bool) -> dict[str, str]:
    """All files by name."""
    import yaml

    from skipbeat_arch.machine import Machine
    from skipbeat_hw.tools.delivery.companions import companions
    from skipbeat_hw.tools.delivery.module_files import module_files
    from skipbeat_hw.tools.delivery.port_comments import with_port_comments
    from skipbeat_hw.tools.readable import readable
    from skipbeat_hw.tools.verilog import accelerator_verilog, core_verilog

    array, module = hardware.array, f"{prefix}{top}"
    title = f"// skipbeat {top} for {hardware.name}: {array.rows} x {array.cols} PEs, M = {array.group}\n"
    text = core_verilog(hardware) if top == "core" else accelerator_verilog(Machine.of(hardware))
    text = with_port_comments(readable(text, prefix), module)
    if split:
        files = {f"{module}/{name}.v": title + each for name, each in module_files(text).items()}
    else:
        files = {f"{module}.v": title + text}
    files["hardware.yaml"] = yaml.safe_dump(hardware.model_dump(), sort_keys=False)
    files |= companions(text, module, [name for name in files if name.endswith(".v")], hardware)
    if top == "accelerator":
        from skipbeat_hw.tools.delivery.register_files import driver_files, register_description

        files[f"{module}.rdl"] = register_description(Machine.of(hardware), module)
        files |= {f"driver/{name}": each for name, each in driver_files().items()}
    if testbench:
        from ..testbench import accelerator_testbench_files, core_testbench_files

        make = core_testbench_files if top == "core" else accelerator_testbench_files
        files |= make(text, module, hardware)
    return files
