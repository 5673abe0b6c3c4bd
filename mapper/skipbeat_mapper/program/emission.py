"""From a schedule to instructions: one of each operation, which depends on nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.instruction import INSTRUCTION_BYTES, VERSION, Instruction
from skipbeat_arch.instruction_columns import words_of
from skipbeat_arch.machine import Machine
from skipbeat_arch.training.rounding import seed_at
from skipbeat_sim.timing.columns import FIELDS, Columns, enables
from skipbeat_sim.timing.pass_columns import PassColumns

from ..order import places as at
from ..order.places import NOWHERE
from ..units.making import fields as f
from ..units.units import Units
from .schedule import Ordered, Schedule

#: The opcode of each kind of operation, int64 [kinds].
_OPCODES = np.zeros(8, np.int64)
_OPCODES[[at.HEADER, at.A_LOAD, at.A_ZERO, at.A_WALK]] = Opcode.HEADER, Opcode.LOAD, Opcode.ZERO, Opcode.SETUP
_OPCODES[[at.A_PASS, at.A_PLACE, at.A_STORE, at.AN_END]] = Opcode.PASS, Opcode.PLACE, Opcode.STORE, Opcode.END
#: Bits of a bank.
_BANKS = 16
#: Engines by a set of their bits.
_ENGINES_OF = [tuple(engine for engine in Engine if bits >> engine & 1) for bits in range(1 << len(Engine))]


def emit(schedule: Schedule) -> list[Instruction]:
    """The instructions of a schedule, in order."""
    return instructions(schedule.units, schedule.ordered, schedule.memory.machine, schedule.start)


def instructions(
    units: Units, ordered: Ordered, machine: Machine, start: int, numbers: Int64Array | None = None
) -> list[Instruction]:
    """The instructions of units in an order.

    Args:
        units, ordered: what they are made of.
        machine: the hardware.
        start: byte address of memory vector 0.
        numbers: of those that are made, int64 [instructions]; None for all.
    """
    makers = _Instructions(units, ordered, machine, start).makers
    columns = ordered.kind, ordered.refers, ordered.wait, ordered.signal
    kinds, refers, *tokens = (each.tolist() if numbers is None else each[numbers].tolist() for each in columns)
    waits, signals = ([_ENGINES_OF[bits] for bits in each] for each in tokens)
    rows = zip(kinds, refers, waits, signals, strict=True)
    return [makers[kind](number, wait=wait, signal=signal) for kind, number, wait, signal in rows]


def emit_words(schedule: Schedule) -> Bytes:
    """`emit`'s instructions as they lie in memory, uint8 [instructions, INSTRUCTION_BYTES].

    Nearly all are passes, which are made of their columns without an object for each.

    Raises:
        InputError: a field does not fit its instruction.
    """
    units, ordered, machine = schedule.units, schedule.ordered, schedule.memory.machine
    words = np.empty((len(ordered), INSTRUCTION_BYTES), np.uint8)
    passes, others = np.flatnonzero(ordered.kind == at.A_PASS), np.flatnonzero(ordered.kind != at.A_PASS)
    made = instructions(units, ordered, machine, schedule.start, others)
    code = b"".join(each.to_word().to_bytes(INSTRUCTION_BYTES, "little") for each in made)
    words[others] = np.frombuffer(code, np.uint8).reshape(-1, INSTRUCTION_BYTES)
    fields = {name: each[ordered.refers[passes]] for name, each in _pass_fields(units).items()}
    words[passes] = words_of(isa.Pass, fields, ordered.wait[passes], ordered.signal[passes])
    return words


def _pass_fields(units: Units) -> dict[str, Int64Array]:
    """The fields of the instruction of each pass, int64 [passes]."""
    names, passes = Command.flat_fields(), units.passes
    rows = np.array([list(each.values().values()) for each in units.commands], np.int64).reshape(-1, len(names))
    own = {"words": passes[f.LOADED_WORDS], "weights": np.maximum(passes[f.WORDS_FROM], 0), "base": passes[f.BASE]}
    commands = dict(zip(names, rows.T[:, passes[f.COMMAND]], strict=True))
    return commands | own | {"table": np.maximum(passes[f.TABLE_FROM], 0)}


def emit_columns(schedule: Schedule) -> Columns:
    """The columns of `emit`'s instructions, without making them."""
    ordered, units, start = schedule.ordered, schedule.units, schedule.start
    machine, kind, loads, passes = schedule.memory.machine, ordered.kind, units.loads, units.passes
    table = np.zeros((len(FIELDS), len(ordered)), np.int64)
    table[0], table[1], table[2] = _OPCODES[kind], ordered.wait, ordered.signal

    def put(what: int, **fields: Int64Array) -> None:
        """Fields of all operations of a kind, from those of what they refer to."""
        places = np.flatnonzero(kind == what)
        numbers = ordered.refers[places]
        for name, values in fields.items():
            table[FIELDS.index(name), places] = values[numbers]

    source = loads[f.SOURCE]
    count, banks = loads[f.SOURCE_STOP] - source, _writes_banks(units, machine)
    put(at.A_LOAD, count=count, address=start + source * machine.vector, kind=loads[f.SPACE], banks=banks)
    put(at.A_ZERO, count=ordered.zeros[:, 1] - ordered.zeros[:, 0])
    put(at.A_WALK, count=np.array([walk.items for walk in units.walks], np.int64))
    put(at.A_PASS, words=passes[f.LOADED_WORDS])
    stores = units.stores
    address, wanted, pool = (
        start + stores[f.ADDRESS] * machine.vector,
        stores != NOWHERE,
        stores[f.STORE_ITEMS] // stores[f.STORED],
    )
    vectors = np.array([node.vectors for node, _ in units.outputs], np.int64)[stores[f.STORE_NODE]]
    where = {"memory": wanted[f.MEMORY_FROM], "local": wanted[f.BANKS_FROM], "residual": wanted[f.RESIDUAL]}
    put(at.A_STORE, count=stores[f.STORED], address=address, pool=pool, vectors=vectors, **where)
    made = PassColumns(command=passes[f.COMMAND], tile=units.loaded, commands=units.commands, tiles=units.tiles)
    return Columns.of(table, made).cut_short(ordered.cuts)


def _writes_banks(units: Units, machine: Machine) -> Int64Array:
    """Whether each load is one of activations that enables any bank, int64 [loads]."""
    found = np.zeros(units.loads.shape[1], np.int64)
    lines = np.flatnonzero((units.loads[f.SPACE] == at.ACTIVATIONS) & (units.loads[f.SOURCE] != NOWHERE))
    places, which = np.unique(units.loads[f.PERIOD, lines] << _BANKS | units.loads[f.BANK, lines], return_inverse=True)
    known = [enables(machine, place >> _BANKS, place & (1 << _BANKS) - 1) for place in places.tolist()]
    found[lines] = np.array(known, np.int64)[which] if known else 0
    return found


class _Instructions:
    """Makes instructions; `makers` are by the kind of operation, and are given its number and its tokens."""

    def __init__(self, units: Units, ordered: Ordered, machine: Machine, start: int) -> None:
        self._units, self._start, self._machine, self._zeros = units, start, machine, ordered.zeros.tolist()
        self._loads, self._passes, self._stores = (a.T.tolist() for a in (units.loads, units.passes, units.stores))
        self.makers: dict[int, Callable[..., Instruction]] = {
            at.HEADER: self._header,
            at.A_LOAD: self._load,
            at.A_ZERO: self._zero,
            at.A_WALK: self._walk,
            at.A_PASS: self._pass,
            at.A_PLACE: self._place,
            at.A_STORE: self._store,
            at.AN_END: lambda _, **tokens: isa.End(**tokens),
        }

    def _header(self, _: int, **_tokens: tuple[Engine, ...]) -> isa.Header:
        return isa.Header(version=VERSION, fingerprint=self._machine.fingerprint)

    def _walk(self, number: int, **_: tuple[Engine, ...]) -> isa.Setup:
        return isa.Setup.of(self._units.walks[number].counts, self._units.walks[number].steps)

    def _load(self, number: int, **tokens: tuple[Engine, ...]) -> isa.Load:
        load = self._loads[number]
        return isa.Load(
            to=load[f.TO],
            width=load[f.WIDTH],
            pitch=load[f.LINE_PITCH],
            period=load[f.PERIOD],
            bank=load[f.BANK],
            kind=load[f.SPACE],
            count=load[f.SOURCE_STOP] - load[f.SOURCE],
            source=self._start + load[f.SOURCE] * self._machine.vector,
            **tokens,
        )

    def _zero(self, number: int, **tokens: tuple[Engine, ...]) -> isa.Zero:
        start, stop = self._zeros[number]
        return isa.Zero(to=start, count=stop - start, **tokens)

    def _pass(self, number: int, **tokens: tuple[Engine, ...]) -> isa.Pass:
        each = self._passes[number]
        return isa.Pass(
            command=self._units.commands[each[f.COMMAND]],
            words=each[f.LOADED_WORDS],
            weights=max(each[f.WORDS_FROM], 0),
            base=each[f.BASE],
            table=max(each[f.TABLE_FROM], 0),
            **tokens,
        )

    def _place(self, number: int, **_: tuple[Engine, ...]) -> isa.Place:
        store = self._stores[number]
        return isa.Place(
            to=store[f.STORE_TO],
            width=store[f.STORE_WIDTH],
            pitch=store[f.STORE_PITCH],
            period=store[f.STORE_PERIOD],
            bank=store[f.STORE_BANK],
        )

    def _store(self, number: int, **tokens: tuple[Engine, ...]) -> isa.Store:
        store = self._stores[number]
        node, before = self._units.outputs[store[f.STORE_NODE]]
        return isa.Store(
            address=self._start + store[f.ADDRESS] * self._machine.vector,
            block=store[f.BLOCK],
            low=node.layer.low,
            high=node.layer.high,
            raw=node.raw,
            residual=store[f.RESIDUAL] != NOWHERE,
            residual_at=max(store[f.RESIDUAL], 0),
            count=store[f.STORED],
            pool=store[f.STORE_ITEMS] // store[f.STORED],
            memory=store[f.MEMORY_FROM] != NOWHERE,
            local=store[f.BANKS_FROM] != NOWHERE,
            stochastic=node.seed is not None,
            seed=0 if node.seed is None else seed_at(node.seed, before + store[f.POSITION]),
            noted=node.noted,
            places=node.places,
            **tokens,
        )
