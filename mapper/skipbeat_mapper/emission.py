"""From a schedule to instructions: one of each operation, which depends on nothing else."""

from __future__ import annotations

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_sim.timing.columns import FIELDS, Columns, enables, engine_bits
from skipbeat_sim.timing.pass_columns import PassColumns

from .schedule import Mark, Operation, Schedule
from .units import Load, Local, PassOp, StoreOp, Walk, Zero


def emit(schedule: Schedule) -> list[Instruction]:
    """The instructions of a schedule, in order."""
    machine, start = schedule.memory.machine, schedule.start
    return [instruction(operation, machine, start) for operation in schedule.operations]


def emit_columns(schedule: Schedule) -> Columns:
    """The columns of `emit`'s instructions, without making them."""
    machine, start = schedule.memory.machine, schedule.start
    rows = [_row(operation, machine, start) for operation in schedule.operations]
    table = np.array(rows, np.int64).T
    commands = [op.command for unit in schedule.units for op in unit.passes]
    return Columns(**dict(zip(FIELDS, table, strict=True)), passes=PassColumns.of(commands, schedule.tiles))


def _row(operation: Operation, machine: Machine, start: int) -> tuple[int, ...]:
    """What the instruction of an operation says, in the order of `FIELDS`."""
    what, wait, signal = operation
    tokens = engine_bits(wait), engine_bits(signal)
    match what:
        case PassOp():
            return Opcode.PASS, *tokens, 0, 0, 0, 0, what.words, 0, 0, 0, 0, 0
        case Load():
            source = start + what.source * machine.vector
            banks = what.kind == Kind.ACTIVATIONS and enables(machine, what.period, what.bank)
            return Opcode.LOAD, *tokens, what.count, source, what.kind, banks, 0, 0, 0, 0, 0, 0
        case StoreOp():
            address, residual = start + what.address * machine.vector, what.residual_at is not None
            places = what.writes is not None, what.local is not None, residual
            return Opcode.STORE, *tokens, what.count, address, 0, 0, 0, what.pool, what.raw, *places
        case Zero():
            _, first, stop = what.writes
            return Opcode.ZERO, *tokens, stop - first, *[0] * 9
        case Walk():
            return Opcode.SETUP, 0, 0, what.items, *[0] * 9
        case Local():
            return Opcode.PLACE, *[0] * 12
        case Mark.HEADER:
            return Opcode.HEADER, *[0] * 12
        case Mark.END:
            return Opcode.END, *tokens, *[0] * 10


def instruction(operation: Operation, machine: Machine, start: int) -> Instruction:
    """The instruction of an operation.

    Args:
        operation: with its tokens.
        machine: the hardware.
        start: byte address of memory vector 0.
    """
    what, wait, signal = operation
    match what:
        case PassOp():
            return isa.Pass(
                command=what.command,
                words=what.words,
                weights=what.weights,
                base=what.base,
                table=what.table,
                wait=wait,
                signal=signal,
            )
        case Load():
            return isa.Load(
                to=what.to,
                width=what.width,
                pitch=what.pitch,
                period=what.period,
                bank=what.bank,
                kind=what.kind,
                count=what.count,
                source=start + what.source * machine.vector,
                wait=wait,
                signal=signal,
            )
        case StoreOp():
            return _store(what, machine, start, operation)
        case Zero():
            _, first, stop = what.writes
            return isa.Zero(to=first, count=stop - first, wait=wait, signal=signal)
        case Walk():
            return isa.Setup.of(what.counts, what.steps)
        case Local():
            return isa.Place(to=what.to, width=what.width, pitch=what.pitch, period=what.period, bank=what.bank)
        case Mark.HEADER:
            return isa.Header(version=VERSION, fingerprint=machine.fingerprint)
        case Mark.END:
            return isa.End(wait=wait, signal=signal)


def _store(op: StoreOp, machine: Machine, start: int, operation: Operation) -> isa.Store:
    return isa.Store(
        address=start + op.address * machine.vector,
        block=op.block,
        low=op.low,
        high=op.high,
        raw=op.raw,
        residual=op.residual_at is not None,
        residual_at=op.residual_at or 0,
        count=op.count,
        pool=op.pool,
        memory=op.writes is not None,
        local=op.local is not None,
        wait=operation.wait,
        signal=operation.signal,
    )
