"""From a schedule to instructions: one of each operation, which depends on nothing else."""

from __future__ import annotations

from skipbeat_arch import instruction as isa
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine

from .schedule import Mark, Operation, Schedule
from .units import Load, Local, PassOp, StoreOp, Walk, Zero


def emit(schedule: Schedule) -> list[Instruction]:
    """The instructions of a schedule, in order."""
    machine, start = schedule.memory.machine, schedule.start
    return [instruction(operation, machine, start) for operation in schedule.operations]


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
