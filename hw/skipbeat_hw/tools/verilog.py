"""Verilog of any component, in which cells that are alike are one module."""

from __future__ import annotations

import re

from amaranth.back import verilog
from amaranth.lib.wiring import Component

from skipbeat_arch.errors import ToolError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine

from ..core.cells import SharedCells
from ..core.core import Core
from ..machine.accelerator import Accelerator
from ..machine.machine import MachineTop

#: Warnings of Verilator for what Yosys writes on purpose: operands of other widths, cases that leave what was assigned
#: before them, nets that name what nobody reads, registers with a value at the start; and for many modules in a file.
MEANT = ("WIDTH", "CASEINCOMPLETE", "UNUSEDSIGNAL", "PROCASSINIT", "DECLFILENAME")

#: The flag with which Yosys starts its `always @*` blocks at time 0.
_START = re.compile(r"^( *)reg (\\\$auto\$verilog_backend\S*dump_module\S*)\s*= 0;$", re.MULTILINE)

#: The name of a field that has no bits where M = 1; as a net it would have two.
_NO_BITS = re.compile(r"^ *wire \[-1:0\] .*;\n", re.MULTILINE)

#: A memory whose entries are set to zero one by one, a line for each.
_ZEROS = re.compile(r"^  initial begin\n((?:    (\\?\S+?) ?\[\d+\] = \d+'(?:h0+|d0|h0);\n)+)  end$", re.MULTILINE)


def generate(component: Component, name: str) -> str:
    """One self-contained Verilog text with `name` as its top.

    Cells that are alike are one module.

    Raises:
        ToolError: Yosys fails; the message holds its output.
    """
    shared = SharedCells()
    texts = [_convert(component, name, shared)]
    texts += [_convert(part, cell) for cell, part in shared.cells.items()]
    # Set where it is declared, it changes before Icarus watches it; no block would run until an input changed.
    text = _START.sub(r"\1reg \2 ;\n\1initial \2 = 0;", "\n".join(texts))
    return _ZEROS.sub(_zero_loop, _NO_BITS.sub("", text))


def _convert(component: Component, name: str, shared: SharedCells | None = None) -> str:
    try:
        text: str = verilog.convert(component, name, shared, emit_src=False, strip_internal_attrs=True)
    except verilog.YosysError as error:
        raise ToolError(f"Yosys failed:\n{error}") from None
    return text


def _zero_loop(initial: re.Match[str]) -> str:
    """The same in one loop: most of the text of a machine, and of the time to compile it, otherwise."""
    entries, memory = initial[1].count("\n"), initial[2]
    name = f"{memory.removeprefix(chr(92))}_entry"
    return (
        f"  integer {name};\n  initial\n"
        f"    for ({name} = 0; {name} < {entries}; {name} = {name} + 1) {memory} [{name}] = 0;"
    )


def core_verilog(hw: Hardware) -> str:
    """Verilog of the core; the top is called `core`."""
    return generate(Core(hw), "core")


def machine_verilog(machine: Machine) -> str:
    """Verilog of the machine around the core; the top is called `machine`."""
    return generate(MachineTop(machine), "machine")


def accelerator_verilog(machine: Machine) -> str:
    """Verilog of the accelerator with its AXI ports; the top is called `accelerator`."""
    return generate(Accelerator(machine), "accelerator")
