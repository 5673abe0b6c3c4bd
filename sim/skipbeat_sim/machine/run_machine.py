"""Runs a program on the cycle model of the whole accelerator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.engines import Engine
from skipbeat_arch.errors import InputError
from skipbeat_arch.machine import PAGE_BITS, Machine
from skipbeat_arch.progress import meter
from skipbeat_arch.timing import Events

from .counters import MachineClocks, Span, TransferBytes
from .machine import MachineTop
from .memories import Memories
from .memory import ExternalMemory

#: Clocks.
_TOLD_EVERY = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class MachineModelRun:
    """What a run did.

    Attributes:
        memory: uint8 [bytes], afterwards.
        cycles: from the clock of the start pulse (clock 0) to the first clock in which `busy_o` is 0, or
            `max_clocks` - 1 if it never was.
        done: the program ended by itself (END was reached and everything written).
        error: `MachineError`, or `CoreError` below 16; 0: none.
        bytes_read, bytes_written: over the memory bus.
        clocks: cycles by cause; transfers: bytes by kind.
        events: the core's.
        spans: for each engine its instructions, in the order in which they began.
        stored: clock of each STORE's `stored_o` (its last vector leaves the output stage), in order.
        bits, clips: of the largest magnitude that was noted, and bytes of those that were clipped.
    """

    memory: Bytes
    cycles: int
    done: bool
    error: int
    bytes_read: int
    bytes_written: int
    clocks: MachineClocks
    transfers: TransferBytes
    events: Events
    spans: dict[Engine, list[Span]]
    stored: tuple[int, ...]
    bits: int
    clips: int


def run_machine(
    machine: Machine,
    memory: Bytes,
    address: int,
    count: int,
    *,
    max_clocks: int,
    page: int = 0,
    first: int = 0,
    abort_at: int | None = None,
    memories: Memories | None = None,
) -> MachineModelRun:
    """Start the machine on a program and run it until it is no longer busy.

    Args:
        memory: uint8 [bytes], left as it is.
        address: byte address of the program, a multiple of V; count: its instructions.
        page: the program's base on the bus, in pages of 4 KiB.
        first: address of the memory's first byte, from the base on; a multiple of 4 KiB below 2**32.
        abort_at: clock in which the run is aborted.
        memories: on the chip, which keep what this run leaves there for the next one; None: new ones.

    Raises:
        InputError: the memory is not flat bytes, or the address or count are not ones that the ports have.
    """
    _check(machine, memory, address, count)
    model, external = MachineTop(machine, memories), ExternalMemory(machine, memory.copy(), (page << PAGE_BITS) + first)
    clock, done = 0, meter()
    while clock < max_clocks and (clock == 0 or model.busy_o):
        external.evaluate()
        model.evaluate(
            clock == 0,
            address,
            count,
            page_i=page,
            abort_i=clock == abort_at,
            r=external.r,
            w_ready=external.w_ready,
            b=external.b,
        )
        external.update(model.ar, model.aw, model.w)
        if model.w is not None and external.w_ready:
            model.counter.written()
        model.update()
        clock += 1
        if not clock % _TOLD_EVERY:
            done(clock / max_clocks)
    return MachineModelRun(
        memory=external.contents,
        cycles=min(clock, max_clocks - 1),
        done=model.done_o,
        error=model.error_o,
        bytes_read=external.bytes_read,
        bytes_written=external.bytes_written,
        clocks=model.counter.clocks,
        transfers=model.counter.transfers,
        events=model.core.counter.events(),
        spans=model.counter.spans,
        stored=tuple(model.counter.stored),
        bits=model.bits_o,
        clips=model.clips_o,
    )


def _check(machine: Machine, memory: Bytes, address: int, count: int) -> None:
    if memory.dtype != np.uint8 or memory.ndim != 1:
        raise InputError(f"memory must be uint8 [bytes], not {memory.dtype} {list(memory.shape)}")
    if address % machine.vector or not 0 <= address < 1 << 32:
        raise InputError(f"program: its address must be a 32-bit multiple of {machine.vector}, not {address}")
    if not 1 <= count < 1 << 24:
        raise InputError(f"program: it must have 1..{(1 << 24) - 1} instructions, not {count}")
