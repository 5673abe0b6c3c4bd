"""From a schedule to instructions: one of each operation, which depends on nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.instruction import INSTRUCTION_BYTES, VERSION, Instruction
from skipbeat_arch.instruction_columns import words_of
from skipbeat_arch.machine import Machine
from skipbeat_sim.timing.columns import FIELDS, Columns, enables
from skipbeat_sim.timing.pass_columns import PassColumns

from ..order import places as at
from ..units.pass_runs import pass_bases
from ..units.unit import Clear, Load, Local, PassOp, StoreOp, Walk, Zero
from .schedule import Mark, Operation, Schedule
from .unit_columns import UnitObjects

#: The opcode of each kind of operation, int64 [kinds].
_OPCODES = np.zeros(8, np.int64)
_OPCODES[[at.HEADER, at.A_LOAD, at.A_ZERO, at.A_WALK]] = Opcode.HEADER, Opcode.LOAD, Opcode.ZERO, Opcode.SETUP
_OPCODES[[at.A_PASS, at.A_PLACE, at.A_STORE, at.AN_END]] = Opcode.PASS, Opcode.PLACE, Opcode.STORE, Opcode.END


def emit(schedule: Schedule) -> list[Instruction]:
    """The instructions of a schedule, in order."""
    machine, start = schedule.memory.machine, schedule.start
    return [instruction(operation, machine, start) for operation in schedule.operations]


def emit_words(schedule: Schedule) -> Bytes:
    """`emit`'s instructions as they lie in memory, uint8 [instructions, INSTRUCTION_BYTES].

    Nearly all are passes, which are made of their columns without an object for each.

    Raises:
        InputError: a field does not fit its instruction.
    """
    ordered, machine, start = schedule.ordered, schedule.memory.machine, schedule.start
    words = np.empty((len(ordered), INSTRUCTION_BYTES), np.uint8)
    passes, others = np.flatnonzero(ordered.kind == at.A_PASS), np.flatnonzero(ordered.kind != at.A_PASS)
    for number, operation in zip(others.tolist(), ordered.some(others), strict=True):
        word = instruction(operation, machine, start).to_word()
        words[number] = np.frombuffer(word.to_bytes(INSTRUCTION_BYTES, "little"), np.uint8)
    fields = {name: each[ordered.refers[passes]] for name, each in _pass_fields(ordered.objects).items()}
    words[passes] = words_of(isa.Pass, fields, ordered.wait[passes], ordered.signal[passes])
    return words


def _pass_fields(objects: UnitObjects) -> dict[str, Int64Array]:
    """The fields of the instruction of each pass, int64 [passes]."""
    table = objects.table
    rows = np.array([list(each.values().values()) for each in table.commands], np.int64)
    commands = rows.reshape(-1, len(Command.flat_fields())).T[:, table.command]
    _, _, entry, _, word, _ = np.where(table.ranges == at.NOWHERE, 0, table.ranges)
    bases = pass_bases([unit.passes for unit in objects.units])
    own = {"words": table.words, "weights": word, "base": bases, "table": entry}
    return dict(zip(Command.flat_fields(), commands, strict=True)) | own


def emit_columns(schedule: Schedule) -> Columns:
    """The columns of `emit`'s instructions, without making them."""
    ordered, machine, start = schedule.ordered, schedule.memory.machine, schedule.start
    objects, units, kind = ordered.objects, ordered.columns, ordered.kind
    table = np.zeros((len(FIELDS), len(ordered)), np.int64)
    table[0], table[1], table[2] = _OPCODES[kind], ordered.wait, ordered.signal

    def put(what: int, names: Sequence[str], rows: Int64Array) -> None:
        """Fields of all operations of a kind, from those of the objects that they refer to, int64 [objects, fields]."""
        places = np.flatnonzero(kind == what)
        table[np.ix_(np.array([FIELDS.index(name) for name in names]), places)] = rows[ordered.refers[places]].T

    source, stop = units[at.SOURCE], units[at.SOURCE_STOP]
    banks = np.array(_writes_banks(objects.loads, machine), np.int64)
    loaded = np.stack([stop - source, start + source * machine.vector, units[at.SPACE], banks], axis=1)
    put(at.A_LOAD, ("count", "address", "kind", "banks"), loaded)
    put(at.A_ZERO, ("count",), ordered.zeros[:, 1:] - ordered.zeros[:, :1])
    put(at.A_WALK, ("count",), np.array([walk.items for walk in objects.walks], np.int64)[:, None])
    put(at.A_PASS, ("words",), objects.table.words[:, None])
    stores = np.array([_store_row(op, machine, start) for op in objects.stores], np.int64).reshape(-1, 7)
    put(at.A_STORE, ("count", "address", "pool", "vectors", "memory", "local", "residual"), stores)
    made = objects.table
    passes = PassColumns(command=made.command, tile=made.tile, commands=made.commands, tiles=made.tiles)
    return Columns.of(table, passes).cut_short(ordered.cuts)


def _writes_banks(loads: Sequence[Load | Clear], machine: Machine) -> list[bool]:
    """Whether each load is one of activations that enables any bank."""
    places = [
        (load.period, load.bank) if isinstance(load, Load) and load.kind == Kind.ACTIVATIONS else None for load in loads
    ]
    known = {place: place is not None and enables(machine, *place) for place in set(places)}
    return [known[place] for place in places]


def _store_row(op: StoreOp, machine: Machine, start: int) -> tuple[int, ...]:
    address, residual = start + op.address * machine.vector, op.residual_at is not None
    return op.count, address, op.pool, op.vectors, op.writes is not None, op.local is not None, residual


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
        stochastic=op.seed is not None,
        seed=op.seed or 0,
        noted=op.noted,
        places=op.places,
        wait=operation.wait,
        signal=operation.signal,
    )
