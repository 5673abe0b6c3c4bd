"""Runs the Verilog of a whole machine against a memory: one call for a whole program, the clock loop in C++."""

from __future__ import annotations

import ctypes
import os
import time
import weakref
from contextlib import nullcontext
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.machine import Machine
from skipbeat_arch.partial import partial
from skipbeat_arch.registers import Counter

from ..machine.counters import READ_CLOCKS
from .activity import Activity
from .verilated import Trace, harness_text, shared_object

#: Name of the machine's module in its Verilog.
MACHINE_TOP = "machine"
_PROLOGUE = f"constexpr int COUNTERS = {len(Counter)}, READ_CLOCKS = {READ_CLOCKS};"


class WriteOrder(IntEnum):
    """What a memory waits for before it takes a write's address or data; AXI4 (A3.3.1) allows all of these.

    In the first one it is the memory of docs/machine.md. In the others, answers are as unwilling as the channels.
    """

    #: An address at any time, data after its address.
    ADDRESS_THEN_DATA = 0
    #: An address only while data is offered; data after its address.
    ADDRESS_WITH_DATA = 1
    #: An address only after all data of its burst.
    ADDRESS_AFTER_DATA = 2
    #: An address and its first data in the same clock.
    BOTH_AT_ONCE = 3
    #: Each at any time.
    EITHER = 4


class _Activity(ctypes.Structure):
    _fields_ = (
        ("file", ctypes.c_char_p),
        ("first", ctypes.c_int64),
        ("clocks", ctypes.c_int64),
        ("period_ps", ctypes.c_uint64),
    )


class _Request(ctypes.Structure):
    _fields_ = (
        ("memory", ctypes.c_void_p),
        ("bytes", ctypes.c_int64),
        ("beat", ctypes.c_int64),
        ("latency", ctypes.c_int64),
        ("max_clocks", ctypes.c_int64),
        ("address", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("stall_percent", ctypes.c_int32),
        ("seed", ctypes.c_uint32),
        ("reset_at", ctypes.c_int64),
        ("stored", ctypes.c_void_p),
        ("stored_room", ctypes.c_int64),
        ("duplex", ctypes.c_int32),
        ("mutant", ctypes.c_int32),
        ("keep", ctypes.c_int32),
        ("order", ctypes.c_int32),
        ("address_bits", ctypes.c_int32),
        ("page", ctypes.c_uint64),
        ("first", ctypes.c_uint32),
        ("uncounted", ctypes.c_int32),
        ("abort_at", ctypes.c_int64),
        ("activity", _Activity),
    )


class _Outcome(ctypes.Structure):
    _fields_ = (
        ("cycles", ctypes.c_int64),
        ("reads", ctypes.c_int64),
        ("writes", ctypes.c_int64),
        ("counters", ctypes.c_int64 * 64),
        ("stored", ctypes.c_int64),
        ("violations", ctypes.c_int64),
        ("error", ctypes.c_int32),
        ("done", ctypes.c_int32),
        ("busy", ctypes.c_int32),
        ("bits", ctypes.c_int64),
        ("clips", ctypes.c_int64),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class MachineRun:
    """What a machine did.

    Attributes:
        memory: uint8, the whole memory afterwards.
        cycles: clocks from the start pulse until the machine was idle again (`max_clocks` - 1 if it never was).
        done: it reached its END. error: its error code.
        bytes_read, bytes_written: on the bus.
        counters: the performance counters.
        stored: for each STORE, the clock in which its last vector left the output stage.
        violations: how often the machine broke a rule of the bus: an offer that was not taken and changed, a burst of
            another kind or across 4 KiB, a wrong last beat, strobes that are not all ones, read data that had to wait,
            data to write that waits until its address is taken.
        bits, clips: the registers PEAK and CLIPS; 0 in a machine without them.
    """

    memory: Bytes
    cycles: int
    done: bool
    error: int
    bytes_read: int
    bytes_written: int
    counters: dict[Counter, int]
    stored: tuple[int, ...]
    violations: int
    bits: int
    clips: int


class VerilatedMachine:
    """A machine compiled by Verilator. Memories on the chip keep their contents.

    With `activity`, of its first run the values of all nets are written, at the hardware's clock.

    Raises:
        InputError: a tool is missing.
        RuntimeError: Verilator or the compiler refuses the Verilog.
    """

    def __init__(self, verilog: str, machine: Machine, activity: Activity | None = None) -> None:
        self.machine, self._activity = machine, activity
        trace = activity.trace if activity else Trace.NONE
        harness = harness_text("machine_rules.hpp", "machine_activity.hpp", "machine_harness.cpp", prologue=_PROLOGUE)
        library = ctypes.CDLL(str(shared_object(verilog, MACHINE_TOP, harness, trace)))
        library.machine_new.restype = ctypes.c_void_p
        library.machine_delete.argtypes = [ctypes.c_void_p]
        library.machine_run.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Request), ctypes.POINTER(_Outcome)]
        self._library, self._top = library, library.machine_new()
        weakref.finalize(self, library.machine_delete, self._top)
        #: Simulated clocks per second of wall-clock time in the last run, 0 before the first.
        self.clocks_per_second = 0.0

    def run(
        self,
        memory: Bytes,
        address: int,
        count: int,
        *,
        max_clocks: int,
        stall_percent: int = 0,
        seed: int = 0,
        reset_at: int | None = None,
        page: int = 0,
        first: int = 0,
        abort_at: int | None = None,
        counted: bool = True,
        mutant: int = 0,
        keep: bool = False,
        order: WriteOrder = WriteOrder.ADDRESS_THEN_DATA,
    ) -> MachineRun:
        """Run `count` instructions at `address` on a copy of `memory`.

        Args:
            stall_percent: share of the clocks in which each channel of the memory refuses, drawn with `seed`.
            mutant: number of the planted fault that is switched on, in a design made by `mutation.mutate`.
            keep: no reset before the start; after a run that ended (busy fell) this must make no difference.
            order: what the memory waits for before it takes an address or data.
            reset_at: run so many clocks, reset, and run from the beginning on the memory as it then is.
            page: the program's base on the bus, in pages of 4 KiB.
            first: address of the memory's first byte, from the base on; a multiple of 4 KiB below 2**32.
            abort_at: clock in which the run is aborted.
            counted: the performance counters are read after it; if not, a run that is kept may begin at once.

        Raises:
            InputError: a share outside 0..99, a memory that is not bytes, or an activity whose window begins after the
                run has ended.
        """
        if not 0 <= stall_percent < 100:
            raise InputError(f"stall_percent: expected 0..99, not {stall_percent}")
        content = np.array(memory, np.uint8, order="C")
        stored = np.zeros(count, np.int64)
        request = self._request(content, stored)
        request.address, request.count, request.max_clocks = address, count, max_clocks
        request.stall_percent, request.seed = stall_percent, seed
        request.reset_at = -1 if reset_at is None else reset_at
        request.page, request.first, request.abort_at = page, first, -1 if abort_at is None else abort_at
        request.uncounted = not counted
        request.mutant, request.keep, request.order = mutant, keep, order
        activity, self._activity = self._activity, None
        if activity is not None:
            period = round(1e6 / self.machine.hw.clock_mhz)
            request.activity = _Activity(os.fsencode(activity.file), activity.first, activity.clocks, period)
        outcome = _Outcome()
        started = time.perf_counter()
        with partial(activity.file, keep=True) if activity else nullcontext():
            self._library.machine_run(self._top, ctypes.byref(request), ctypes.byref(outcome))
        self.clocks_per_second = outcome.cycles / (time.perf_counter() - started)
        if activity is not None and activity.first > outcome.cycles:
            raise InputError(
                f"activity {activity.file}: the run has ended in clock {outcome.cycles:,}, before its window"
            )
        return self._ran(content, stored, outcome)

    def _ran(self, content: Bytes, stored: Int64Array, outcome: _Outcome) -> MachineRun:
        """What a run did that left such a memory, and clocks of STOREs."""
        return MachineRun(
            memory=content,
            cycles=outcome.cycles,
            done=bool(outcome.done),
            error=outcome.error,
            bytes_read=outcome.reads * self.machine.beat_bytes,
            bytes_written=outcome.writes * self.machine.beat_bytes,
            counters={counter: outcome.counters[counter] for counter in Counter},
            stored=tuple(stored[: outcome.stored].tolist()),
            violations=outcome.violations,
            bits=outcome.bits,
            clips=outcome.clips,
        )

    def _request(self, content: Bytes, stored: Int64Array) -> _Request:
        """A run of this machine on a memory; `stored` takes the clocks of its STOREs."""
        machine = self.machine
        return _Request(
            memory=content.ctypes.data,
            bytes=content.size,
            beat=machine.beat_bytes,
            latency=machine.hw.memory.latency_clocks,
            duplex=machine.duplex,
            address_bits=machine.hw.memory.address_bits,
            stored=stored.ctypes.data,
            stored_room=len(stored),
        )
