"""Whether a schedule keeps to the limits of the hardware: the one place that refuses a network."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter, le
from typing import NamedTuple, NoReturn

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Engine
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import ADDRESS_BITS

from ..order import places as at
from ..units.on_chip import memory_sizes
from ..units.unit import Clear, Load, Local, Range, Space, StoreOp, Unit, Walk
from ..units.weight_loads import passes_behind
from .schedule import Schedule

#: Open tokens in program order: the rest is for those that an engine's queue has not taken yet.
MAX_OPEN = 48
KIB = 1024


class _Buffer(NamedTuple):
    """A buffer as messages name it: the key of the hardware description, and the bytes of an entry in it."""

    key: str
    entry: int


def _buffers(machine: Machine) -> dict[Space, _Buffer]:
    array = machine.hw.array
    return {
        Space.WEIGHTS: _Buffer("weights.buffer_kib", machine.vector),
        Space.ACTIVATIONS: _Buffer("activations.buffer_kib", array.rows * array.group),
        Space.RESIDUAL: _Buffer("outputs.buffer_kib", machine.vector),
    }


#: Fields of instructions, by what they are made of.
FIELDS: dict[type[Load | Local | StoreOp], tuple[type[Instruction], tuple[str, ...]]] = {
    Load: (isa.Load, ("to", "width", "pitch", "period", "bank", "count")),
    Local: (isa.Place, ("to", "width", "pitch", "period", "bank")),
    StoreOp: (isa.Store, ("block", "count", "pool")),
}
LARGEST = {kind: [(name, made.largest(name)) for name in names] for kind, (made, names) in FIELDS.items()}
COUNTS = [(f"n{loop}", isa.Setup.largest(f"n{loop}")) for loop in range(4)]


def check(schedule: Schedule, name: str) -> None:
    """Holds a schedule against all limits.

    Args:
        schedule: of a network.
        name: of the network, for messages.

    Raises:
        InputError: a limit is exceeded; the message names the node, the limit and by how much.
    """
    memory, machine = schedule.memory, schedule.memory.machine
    sizes = memory_sizes(machine, memory.vectors)
    for placed in itertools.chain(*(group.nodes for group in memory.groups)):
        needed, there = max(region.entries for region in placed.regions), sizes[Space.ACTIVATIONS]
        if needed > there:
            _too_small(f"node {placed.node.layer.name}", Space.ACTIVATIONS, needed, there, machine)
    if not all_fit(schedule, sizes):
        check_units(schedule, sizes)
    if schedule.stuck is not None:
        _in_use(schedule, *schedule.stuck)
    _check_tokens(schedule, name)
    if schedule.size >= 1 << ADDRESS_BITS:
        over = f"more than {ADDRESS_BITS}-bit addresses reach"
        raise InputError(f"{name}: it needs {schedule.size} bytes of memory, {over}")


def all_fit(schedule: Schedule, sizes: Mapping[Space, int]) -> bool:
    """Whether all units keep to the limits, from their columns; where not, `check_units` says what is wrong.

    Args:
        schedule: of a network.
        sizes: entries of each space.
    """
    columns, objects = schedule.ordered.columns, schedule.ordered.objects
    room = np.array([sizes[space] for space in Space], np.int64)
    used = columns[at.BUSY_STOP].reshape(-1, at.BUSY) <= room[list(at.BUSY_SPACES)]
    if not used.all() or (columns[at.STOP] > room[columns[at.SPACE]]).any():
        return False
    depth, turns = schedule.memory.machine.hw.accumulators.depth, [largest for _, largest in COUNTS]
    walks = all(walk.items <= depth and all(map(le, walk.counts, turns)) for walk in objects.walks)
    loads = [load for load in objects.loads if isinstance(load, Load)]
    local = [store.local for store in objects.stores if store.local is not None]
    return walks and all(
        max(map(attrgetter(field), ops), default=0) <= largest
        for kind, ops in ((Load, loads), (Local, local), (StoreOp, objects.stores))
        for field, largest in LARGEST[kind]
    )


def check_units(schedule: Schedule, sizes: Mapping[Space, int]) -> None:
    """One unit after the other.

    Raises:
        InputError: one does not keep to a limit; the message names its node and the limit.
    """
    machine, walks = schedule.memory.machine, set[Walk]()
    for unit in schedule.units:
        node = f"node {schedule.name(unit.node)}"
        if unit.walk not in walks:
            walks.add(unit.walk)
            _check_walk(node, unit.walk, machine)
        for space, _, stop in _used(unit):
            if stop > sizes[space]:
                _too_small(node, space, stop, sizes[space], machine)
        _check_fields(node, unit)


def _used(unit: Unit) -> Iterator[Range]:
    """Everything that a unit reads or writes."""
    return itertools.chain((load.writes for load in unit.loads), unit.busy)


def _check_walk(node: str, walk: Walk, machine: Machine) -> None:
    depth = machine.hw.accumulators.depth
    if walk.items > depth:
        raise InputError(
            f"{node}: a block has {walk.items} pixels: accumulators.depth must be at least {walk.items}, not {depth}"
        )
    for (field, largest), count in zip(COUNTS, walk.counts, strict=True):
        _check_field(node, f"{isa.Setup.title}: {field}", count, largest)


def _check_fields(node: str, unit: Unit) -> None:
    store = unit.store
    ops: Iterable[Load | Local | StoreOp | None] = (*_loads(unit), store, store.local if store else None)
    for op in ops:
        if op is not None:
            for field, largest in LARGEST[type(op)]:
                value = getattr(op, field)
                if value > largest:
                    _check_field(node, f"{FIELDS[type(op)][0].title}: {field}", value, largest)


def _loads(unit: Unit) -> Iterator[Load]:
    return (load for load in unit.loads if isinstance(load, Load))


def _check_field(node: str, field: str, value: int, largest: int) -> None:
    if value > largest:
        raise InputError(f"{node}: {field} is {value}, {value - largest} more than the field holds")


def _too_small(node: str, space: Space, needed: int, there: int, machine: Machine) -> NoReturn:
    buffer = _buffers(machine).get(space)
    over = f"{node}: it needs {needed:,} entries of {space.name.lower()}, {needed - there:,} more than there are"
    if buffer is None:
        raise InputError(over)
    least, present = -(-needed * buffer.entry // KIB), there * buffer.entry // KIB
    raise InputError(f"{over}: {buffer.key} must be at least {least}, not {present}")


def _in_use(schedule: Schedule, unit: Unit, load: Load | Clear) -> NoReturn:
    """Weights would come in the place of those of passes that the array may not have begun."""
    nodes, machine = schedule.memory.groups[0].nodes, schedule.memory.machine
    columns = nodes[unit.node % len(nodes)].tiles.columns
    largest = max(tile.words for column in columns for tile in column)
    space, there = load.writes.space, memory_sizes(machine, schedule.memory.vectors)[load.writes.space]
    needed = max((passes_behind(unit.walk.items) + 2) * largest, there + 1)
    _too_small(f"node {schedule.name(unit.node)}", space, needed, there, machine)


def _check_tokens(schedule: Schedule, name: str) -> None:
    """No counter can overflow: few givers are ahead of their takers in program order."""
    ordered = schedule.ordered
    for giver, taker in itertools.permutations(Engine, 2):
        given = (ordered.signal >> taker & 1) * (ordered.engine == giver)
        taken = (ordered.wait >> giver & 1) * (ordered.engine == taker)
        if np.cumsum(given - taken).max(initial=0) > MAX_OPEN:
            raise InputError(f"{name}: more than {MAX_OPEN} tokens from {giver.name} to {taker.name} are open")
