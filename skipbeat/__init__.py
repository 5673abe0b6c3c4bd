"""skipbeat: a cycle-exact co-design simulator for N:M-sparse systolic accelerators.

The names below are imported when they are first used, so that `import skipbeat` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.hardware import Hardware, load_hardware, preset_names
    from skipbeat_arch.pattern import Pattern
    from skipbeat_arch.workload import Convolution, Gemm

__version__ = "0.1.0"

__all__ = ["Convolution", "Gemm", "Hardware", "InputError", "Pattern", "load_hardware", "preset_names"]

_HOME = {
    "Convolution": "skipbeat_arch.workload",
    "Gemm": "skipbeat_arch.workload",
    "Hardware": "skipbeat_arch.hardware",
    "InputError": "skipbeat_arch.errors",
    "Pattern": "skipbeat_arch.pattern",
    "load_hardware": "skipbeat_arch.hardware",
    "preset_names": "skipbeat_arch.hardware",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'skipbeat' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
