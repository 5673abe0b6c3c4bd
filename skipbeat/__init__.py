"""skipbeat: a cycle-exact co-design simulator for N:M-sparse systolic accelerators.

The names below are imported when they are first used, so that `import skipbeat` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.hardware import Hardware, load_hardware, preset_names
    from skipbeat_arch.machine_program import MachineProgram
    from skipbeat_arch.pattern import Pattern
    from skipbeat_arch.program_file import load_program, save_program
    from skipbeat_arch.workload import Convolution, Gemm
    from skipbeat_models.scheme import Scheme
    from skipbeat_reports.estimate import Estimate, print_estimate, to_json, write_page, write_trace

    from .api import compile, estimate, prune, simulate
    from .network_file import load_network
    from .pricer import Pricer
    from .training_estimation import train_estimate

__version__ = "0.1.0"

__all__ = [
    "Convolution",
    "Estimate",
    "Gemm",
    "Hardware",
    "InputError",
    "MachineProgram",
    "Pattern",
    "Pricer",
    "Scheme",
    "compile",
    "estimate",
    "load_hardware",
    "load_network",
    "load_program",
    "preset_names",
    "print_estimate",
    "prune",
    "save_program",
    "simulate",
    "to_json",
    "train_estimate",
    "write_page",
    "write_trace",
]

_HOME = {
    "Convolution": "skipbeat_arch.workload",
    "Estimate": "skipbeat_reports.estimate",
    "Gemm": "skipbeat_arch.workload",
    "Hardware": "skipbeat_arch.hardware",
    "InputError": "skipbeat_arch.errors",
    "MachineProgram": "skipbeat_arch.machine_program",
    "Pattern": "skipbeat_arch.pattern",
    "Pricer": "skipbeat.pricer",
    "Scheme": "skipbeat_models.scheme",
    "compile": "skipbeat.api",
    "estimate": "skipbeat.api",
    "load_hardware": "skipbeat_arch.hardware",
    "load_network": "skipbeat.network_file",
    "load_program": "skipbeat_arch.program_file",
    "preset_names": "skipbeat_arch.hardware",
    "print_estimate": "skipbeat_reports.estimate",
    "prune": "skipbeat.api",
    "save_program": "skipbeat_arch.program_file",
    "simulate": "skipbeat.api",
    "to_json": "skipbeat_reports.estimate",
    "train_estimate": "skipbeat.training_estimation",
    "write_page": "skipbeat_reports.estimate",
    "write_trace": "skipbeat_reports.estimate",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'skipbeat' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
