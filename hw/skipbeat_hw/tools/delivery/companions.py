"""Files that a vendor's flow wants beside the Verilog: the list of its files, constraints, an IP packager's script."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skipbeat_arch.hardware import Hardware

from ...simulation.ports import read_ports
from .templates import render

#: Registers that software writes at least two clocks before the start that uses them, in the accelerator's top module.
STATIC = ("address_i", "count", "base_low", "base_high")


def companions(verilog: str, top: str, files: Sequence[str], hw: Hardware) -> dict[str, str]:
    """Texts by file name, for a design whose files are named from the folder in which these are written.

    `TOP_ooc.xdc` has the clock, which a system around the top brings itself, and `TOP.xdc` what holds in any system;
    `TOP.sdc` has both.

    Args:
        verilog: all of the design, with plain names. top: its top module.
        files: names of the files with the Verilog.
    """
    static = _static_registers(verilog, top)
    values = {"top": top, "hw": hw, "files": files, "period_ns": f"{1e3 / hw.clock_mhz:.3f}", "static": static}
    clock = render("clock.sdc", **values)
    exceptions = render("exceptions.sdc", **values) if static else ""
    texts = {
        "filelist.f": "".join(f"{name}\n" for name in files),
        f"{top}_ooc.xdc": clock,
        f"{top}.xdc": exceptions,
        f"{top}.sdc": clock + exceptions,
    }
    if "m_axi_araddr" in read_ports(verilog, top):
        texts[f"package_{top}.tcl"] = render("package_ip.tcl", **values)
    return {name: text for name, text in texts.items() if text}


def _static_registers(verilog: str, top: str) -> list[str]:
    """Those of `STATIC` that the top module has."""
    start = verilog.index(f"\nmodule {top}(")
    module = verilog[start : verilog.index("\nendmodule", start)]
    return [name for name in STATIC if re.search(rf"^  reg (\[\d+:0\] )?{name} = ", module, re.MULTILINE)]
