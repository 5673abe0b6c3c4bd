"""What software and tools want of the registers: a C driver with its header, and SystemRDL, from which HTML and IP-XACT
come."""

from __future__ import annotations

from skipbeat_arch.command import CoreError
from skipbeat_arch.instruction import VERSION
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.registers import COUNTER_BITS, Access, Counter, Register, constants

from .templates import render

#: How software and hardware use a field, in SystemRDL.
_ACCESS = {
    Access.READ: "sw = r; hw = w;",
    Access.WRITE: "sw = w; hw = r; singlepulse;",
    Access.READ_WRITE: "sw = rw; hw = r;",
    Access.READ_CLEAR: "sw = rw; onwrite = woclr; hw = w;",
}


def driver_files() -> dict[str, str]:
    """The C driver, the same for every accelerator: files by name."""
    errors = [error for kind in (CoreError, MachineError) for error in kind if error]
    values = {"version": VERSION, "registers": list(Register), "counters": list(Counter), "errors": errors}
    return {name: render(name, **values) for name in ("skipbeat.h", "skipbeat.c", "skipbeat_registers.h")}


def register_description(machine: Machine, top: str) -> str:
    """SystemRDL of the accelerator `top`; what tells what was built has its values as those after reset."""
    return render(
        "registers.rdl",
        top=top,
        hw=machine.hw,
        registers=list(Register),
        counters=list(Counter),
        counter_bits=COUNTER_BITS,
        access={access.name: text for access, text in _ACCESS.items()},
        reset=lambda register, field: (constants(machine).get(register, 0) & field.mask) >> field.first,
    )
