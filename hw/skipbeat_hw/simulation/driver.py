"""Runs the Verilog of a whole core in bulk: one call for a whole stimulus, the clock loop in C++."""

from __future__ import annotations

import ctypes
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skipbeat_arch.arrays import BoolArray, Bytes, UInt32Array
from skipbeat_arch.command import COMMAND_BITS
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.stream import PORTS, CoreRun, CoreStimulus

from .ports import read_ports
from .verilated import harness_text, shared_object
from .verilog_text import verilog_text

#: Name of the core's module in its Verilog.
CORE_TOP = "core"


class _Source(ctypes.Structure):
    _fields_ = (
        ("items", ctypes.c_void_p),
        ("idle", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("words", ctypes.c_int64),
        ("willing", ctypes.c_void_p),
        ("period", ctypes.c_int64),
    )


class _Run(ctypes.Structure):
    _fields_ = (
        ("commands", _Source),
        ("weights", _Source),
        ("activations", _Source),
        ("ready", ctypes.c_void_p),
        ("ready_period", ctypes.c_int64),
        ("results", ctypes.c_int64),
        ("max_clocks", ctypes.c_int64),
        ("reset_at", ctypes.c_int64),
        ("columns", ctypes.c_int32),
        ("accumulator_bits", ctypes.c_int32),
        ("trace", ctypes.c_int32),
    )


class _Outcome(ctypes.Structure):
    _fields_ = (
        ("items", ctypes.c_int64),
        ("cycles", ctypes.c_int64),
        ("clocks_run", ctypes.c_int64),
        ("trace_clocks", ctypes.c_int64),
        ("error", ctypes.c_int32),
        ("finished", ctypes.c_int32),
    )


class VerilatedCore:
    """A core compiled by Verilator; `run` may be called any number of times, each run starts with a reset.

    Memories keep their contents over a reset, as those of a chip do.

    Args:
        verilog: the text, or the Path of the file, of the module `core` and what it contains.
        hardware: the description that the Verilog was generated from.

    Raises:
        InputError: the ports are not those of this hardware, or a tool is missing.
        RuntimeError: Verilator or the compiler refuses the Verilog.
    """

    def __init__(self, verilog: str | Path, hardware: Hardware) -> None:
        text = verilog_text(verilog)
        self.hardware = hardware
        self._widths = _payload_widths(hardware)
        _check_ports(text, self._widths)
        library = ctypes.CDLL(str(shared_object(text, CORE_TOP, harness_text("core_harness.cpp"))))
        library.core_new.restype = ctypes.c_void_p
        library.core_delete.argtypes = [ctypes.c_void_p]
        library.core_run.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Run), ctypes.POINTER(_Outcome)]
        library.core_copy.argtypes = [ctypes.c_void_p] * 4
        self._library = library
        self._core = library.core_new()
        weakref.finalize(self, library.core_delete, self._core)
        #: Simulated clocks per second of wall-clock time in the last run, 0 before the first.
        self.clocks_per_second = 0.0

    def run(self, stimulus: CoreStimulus, trace: bool = False, *, reset_at: int | None = None) -> CoreRun:
        """Run the stimulus from reset until the results are collected, an error shows, or the clocks run out.

        Where nothing is offered, the payload is all ones. With `results` = 0 whatever comes is collected, and the
        run ends with an error or with `max_clocks`; it is then not `finished`. A result that is transferred in the
        clock of the error is kept.

        Args:
            stimulus: what is offered.
            trace: record valid and ready of every port in every clock.
            reset_at: let the stimulus run for so many clocks, whatever happens, then reset the core for one clock
                and start again from the beginning; only what follows is returned, from clock 0.

        Raises:
            InputError: an array of the stimulus has a shape or a value that the ports do not have.
        """
        if reset_at is not None and reset_at < 0:
            raise InputError(f"reset_at: expected a clock from 0 on, not {reset_at}")
        items = self._items(stimulus)
        idle = {port: _pack_bits(np.ones((1, self._widths[port]), np.uint8)) for port in items}
        willing = {port: _pattern(port, stimulus.willing) for port in PORTS}
        sources = {
            port: _Source(
                words.ctypes.data,
                idle[port].ctypes.data,
                len(words),
                words.shape[1],
                willing[port].ctypes.data,
                len(willing[port]),
            )
            for port, words in items.items()
        }
        request = _Run(
            **sources,
            ready=willing["results"].ctypes.data,
            ready_period=len(willing["results"]),
            results=stimulus.results,
            max_clocks=stimulus.max_clocks,
            reset_at=-1 if reset_at is None else reset_at,
            columns=self.hardware.array.cols,
            accumulator_bits=self.hardware.numbers.accumulator_bits,
            trace=trace,
        )
        outcome = _Outcome()
        started = time.perf_counter()
        self._library.core_run(self._core, ctypes.byref(request), ctypes.byref(outcome))
        self.clocks_per_second = outcome.clocks_run / (time.perf_counter() - started)
        return self._collect(outcome, trace)

    def _collect(self, outcome: _Outcome, trace: bool) -> CoreRun:
        results = np.zeros((outcome.items, self.hardware.array.cols), np.int64)
        clocks = np.zeros(outcome.items, np.int64)
        table = np.zeros((outcome.trace_clocks, 8), np.uint8)
        self._library.core_copy(self._core, results.ctypes.data, clocks.ctypes.data, table.ctypes.data)
        return CoreRun(
            results=results,
            result_clocks=clocks,
            cycles=outcome.cycles,
            error=outcome.error,
            finished=bool(outcome.finished),
            trace=table if trace else None,
        )

    def _items(self, stimulus: CoreStimulus) -> dict[str, UInt32Array]:
        hw = self.hardware
        group, count = (hw.array.rows, hw.array.group), len(stimulus.weights)
        _expect("weights", stimulus.weights.shape[1:], (-(-hw.word_bits // 8),))
        _expect("weights_last", stimulus.weights_last.shape, (count,))
        _expect("activations", stimulus.activations.shape[1:], group)
        _expect_range("commands", stimulus.commands, 0, (1 << COMMAND_BITS) - 1)
        _expect_range("activations", stimulus.activations, *integer_range(hw.numbers.activation_bits))
        commands = np.ascontiguousarray(stimulus.commands, "<u8").view(np.uint32).reshape(-1, 2)
        data = np.unpackbits(stimulus.weights, axis=1, count=hw.word_bits, bitorder="little")
        weights = np.concatenate([data, stimulus.weights_last.astype(np.uint8)[:, None]], axis=1)
        bits = hw.numbers.activation_bits
        elements = np.ascontiguousarray(stimulus.activations, np.int8).view(np.uint8).reshape(-1, group[0] * group[1])
        if bits == 8:
            activations = elements.view(np.uint32)
        else:
            planes = np.unpackbits(elements[:, :, None], axis=2, count=bits, bitorder="little")
            activations = _pack_bits(planes.reshape(len(elements), self._widths["activations"]))
        return {"commands": commands, "weights": _pack_bits(weights), "activations": activations}


def _payload_widths(hw: Hardware) -> dict[str, int]:
    """Bits of each stream's payload."""
    array, numbers = hw.array, hw.numbers
    return {
        "commands": COMMAND_BITS,
        "weights": hw.word_bits + 1,
        "activations": array.rows * array.group * numbers.activation_bits,
        "results": array.cols * numbers.accumulator_bits,
    }


def _check_ports(verilog: str, widths: dict[str, int]) -> None:
    found = {name: port.width for name, port in read_ports(verilog, CORE_TOP).items()}
    expected = {"clk": 1, "rst": 1, "error": 3}
    for stream, width in widths.items():
        expected |= {f"{stream}__payload": width, f"{stream}__valid": 1, f"{stream}__ready": 1}
    for name, width in expected.items():
        if found.get(name) != width:
            actual = f"{found[name]} bits" if name in found else "nothing"
            raise InputError(f"Verilog of the core: port {name} should have {width} bits, found {actual}")


def _expect(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise InputError(f"stimulus: {name} should have items of shape {expected}, not {shape}")


def _expect_range(name: str, values: npt.NDArray[Any], low: int, high: int) -> None:
    if values.size and not low <= int(values.min()) <= int(values.max()) <= high:
        raise InputError(f"stimulus: {name} should be in {low}..{high}, found {values.min()}..{values.max()}")


def _pattern(port: str, willing: dict[str, BoolArray]) -> Bytes:
    pattern = willing.get(port)
    if pattern is None or pattern.ndim != 1 or not len(pattern):
        raise InputError(f"stimulus: willing[{port!r}] should be a row of at least one boolean")
    return np.ascontiguousarray(pattern, np.uint8)


def _pack_bits(bits: Bytes) -> UInt32Array:
    """Bits [items, width], lowest first, as words [items, ceil(width / 32)]."""
    width = bits.shape[1]
    padded = np.zeros((len(bits), 4 * -(-width // 32)), np.uint8)
    padded[:, : -(-width // 8)] = np.packbits(bits, axis=1, bitorder="little")
    return padded.view("<u4")
