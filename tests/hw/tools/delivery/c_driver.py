"""The C driver as a C compiler makes it, over a bus that the test brings."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from typing import Any

from skipbeat_hw.tools.delivery.register_files import driver_files

_BUS = """
#include <stdint.h>
extern uint32_t (*bus_read)(uintptr_t device, uint32_t offset);
extern void (*bus_write)(uintptr_t device, uint32_t offset, uint32_t value);
#define SKIPBEAT_READ(device, offset) bus_read(device, offset)
#define SKIPBEAT_WRITE(device, offset, value) bus_write(device, offset, value)
"""
_HOOKS = """
uint32_t (*bus_read)(uintptr_t device, uint32_t offset);
void (*bus_write)(uintptr_t device, uint32_t offset, uint32_t value);
"""
_STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O2")


class Program(ctypes.Structure):
    """`struct skipbeat_program`."""

    _fields_ = (
        ("base", ctypes.c_uint64),
        ("address", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("fingerprint", ctypes.c_uint32),
    )


#: Of each function behind the device.
_ARGUMENTS: dict[str, list[Any]] = {
    **{name: [] for name in ("busy", "outcome", "abort", "take_interrupt")},
    "start": [ctypes.POINTER(Program)],
    "wait": [ctypes.c_uint32],
    "counter": [ctypes.c_int],
    "enable_interrupt": [ctypes.c_bool],
}


def compiled(folder: Path, read: Any, write: Any) -> ctypes.CDLL:
    """The driver in `folder`, which has no warning in strict C99; its registers are at the functions' other end."""
    for name, text in driver_files().items():
        (folder / name).write_text(text)
    (folder / "bus.h").write_text(_BUS)
    (folder / "hooks.c").write_text(_HOOKS)
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, *_STRICT, "-c", "skipbeat.c", "-o", "alone.o"], cwd=folder, check=True)
    shared = [*compiler, *_STRICT, "-shared", "-fPIC", "-include", "bus.h", "skipbeat.c", "hooks.c"]
    subprocess.run([*shared, "-o", "driver.so"], cwd=folder, check=True)
    driver = ctypes.CDLL(str(folder / "driver.so"))
    for name, function in (("bus_read", read), ("bus_write", write)):
        ctypes.c_void_p.in_dll(driver, name).value = ctypes.cast(function, ctypes.c_void_p).value
    for name, arguments in _ARGUMENTS.items():
        getattr(driver, f"skipbeat_{name}").argtypes = [ctypes.c_void_p, *arguments]
    driver.skipbeat_busy.restype = driver.skipbeat_take_interrupt.restype = ctypes.c_bool
    driver.skipbeat_counter.restype = ctypes.c_uint64
    driver.skipbeat_error_name.restype = ctypes.c_char_p
    return driver
