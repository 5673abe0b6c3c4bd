"""Lockstep on a shared object that Verilator made: the clock loop in C++, generated for the module's ports."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from .lockstep_table import HeldTable, Observation, Table
from .ports import columns
from .verilated import harness_text, mangled, shared_object


class _Held(ctypes.Structure):
    _fields_ = (
        ("items", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("words", ctypes.c_int64),
        ("willing", ctypes.c_void_p),
        ("period", ctypes.c_int64),
        ("payload", ctypes.c_int64),
        ("valid", ctypes.c_int64),
        ("ready", ctypes.c_int64),
    )


def run_shared(verilog: str, top: str, table: Table) -> Observation:
    """Run the table on the module compiled by Verilator (two-state: every output is known)."""
    macros = {
        "INPUTS": [port.name for port in table.inputs],
        "OUTPUTS": [port.name for port in table.outputs],
        "CLOCK": [table.clock] if table.clock else [],
        "RESET": [table.reset] if table.reset else [],
    }
    prologue = "\n".join(_macro(name, ports) for name, ports in macros.items())
    library = ctypes.CDLL(str(shared_object(verilog, top, harness_text("lockstep_harness.cpp", prologue=prologue))))
    in_columns, out_columns = columns(table.inputs), columns(table.outputs)

    def held(stream: HeldTable) -> _Held:
        return _Held(
            items=stream.items.ctypes.data,
            count=len(stream.items),
            words=stream.items.shape[1],
            willing=stream.willing.ctypes.data,
            period=len(stream.willing),
            payload=in_columns[stream.payload].start if stream.payload else -1,
            valid=in_columns[stream.valid].start,
            ready=out_columns[stream.ready].start,
        )

    streams = (_Held * len(table.streams))(*(held(stream) for stream in table.streams))
    inputs = table.values.copy()
    outputs = np.zeros((len(inputs), sum(port.words for port in table.outputs)), np.uint32)
    library.lockstep.argtypes = [ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    library.lockstep(len(inputs), inputs.ctypes.data, outputs.ctypes.data, streams, len(streams))
    known = np.ones((len(inputs), len(table.outputs)), np.bool_)
    return Observation(inputs=inputs, outputs=outputs, known=known)


def _macro(name: str, ports: Sequence[str]) -> str:
    return f"#define {name}(X) " + " ".join(f"X({mangled(port)})" for port in ports)
