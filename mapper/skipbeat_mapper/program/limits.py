"""Whether a schedule keeps to the limits of the hardware: the one place that refuses a network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import NamedTuple, NoReturn

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import FETCHER_ROOM
from skipbeat_arch.engines import Engine
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import ADDRESS_BITS

from ..order import places as at
from ..order.places import NOWHERE
from ..units.making import fields as f
from ..units.on_chip import memory_sizes
from ..units.units import Space, Units
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


#: Fields of instructions that are checked, by what they are made of, and the largest values that they hold.
_OF_LOADS = {"to": f.TO, "width": f.WIDTH, "pitch": f.LINE_PITCH, "period": f.PERIOD, "bank": f.BANK}
_OF_PLACES = {
    **{"to": f.STORE_TO, "width": f.STORE_WIDTH, "pitch": f.STORE_PITCH},
    **{"period": f.STORE_PERIOD, "bank": f.STORE_BANK},
}
_CHECKED: dict[type[Instruction], tuple[str, ...]] = {
    isa.Setup: ("n0", "n1", "n2", "n3"),
    isa.Load: (*_OF_LOADS, "count"),
    isa.Store: ("block", "count", "pool"),
    isa.Place: tuple(_OF_PLACES),
}
_LARGEST = {(made.title, name): made.largest(name) for made, names in _CHECKED.items() for name in names}


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
    check_units(schedule, sizes)
    if schedule.ordered.stuck != NOWHERE:
        _in_use(schedule)
    _check_tokens(schedule, name)
    if schedule.size >= 1 << ADDRESS_BITS:
        over = f"more than {ADDRESS_BITS}-bit addresses reach"
        raise InputError(f"{name}: it needs {schedule.size} bytes of memory, {over}")


def check_units(schedule: Schedule, sizes: Mapping[Space, int]) -> None:
    """Holds all units against the sizes of memories, the accumulators and the fields of instructions.

    Args:
        schedule: of a network.
        sizes: entries of each space.

    Raises:
        InputError: one does not keep to a limit; the message names the node of the first and the limit.
    """
    units, found = schedule.units, list[tuple[int, int, _Limit]]()
    for each in _limits(schedule, sizes):
        if (over := np.flatnonzero(each.values > each.largest)).size:
            place = int(over[0])
            found.append((int(each.of(units)[place]), place, each))
    if found:
        unit, place, each = min(found, key=lambda each: each[0])
        node = f"node {schedule.name(int(units.columns[at.NODE][unit]))}"
        each.refuse(node, int(each.values.ravel()[place]), place)


class _Limit(NamedTuple):
    """Values of some things, the largest that may be, and the units that the things are of, in ascending order."""

    of: Callable[[Units], Int64Array]
    values: Int64Array
    largest: int | Int64Array
    refuse: Callable[[str, int, int], NoReturn]


def _limits(schedule: Schedule, sizes: Mapping[Space, int]) -> Iterator[_Limit]:
    """All of them; of those that one unit exceeds the first one is told. Zeros hold nothing that a field could not."""
    units, depth = schedule.units, schedule.memory.machine.hw.accumulators.depth
    columns, loads, stores, walk = units.columns, units.loads, units.stores, units.columns[at.WALK]
    items, *counts = np.array([(each.items, *each.counts) for each in units.walks], np.int64).reshape(-1, 5).T
    yield _Limit(_every, items[walk], depth, partial(_too_many_pixels, depth=depth))
    for name, values in zip(_CHECKED[isa.Setup], counts, strict=True):
        yield _field(_every, values[walk], isa.Setup, name)
    room = np.array([sizes[space] for space in Space], np.int64)

    def refuse(node: str, needed: int, place: int, spaces: Sequence[int] | Int64Array) -> NoReturn:
        space = Space(int(spaces[place % len(spaces)]))
        _too_small(node, space, needed, sizes[space], schedule.memory.machine)

    spaces, busy = columns[at.SPACE], columns[at.BUSY_STOP].reshape(-1, at.BUSY)
    yield _Limit(attrgetter("of_loads"), columns[at.STOP], room[spaces], partial(refuse, spaces=spaces))
    yield _Limit(_of_busy, busy, room[list(at.BUSY_SPACES)], partial(refuse, spaces=at.BUSY_SPACES))
    of_loads = {name: loads[field] for name, field in _OF_LOADS.items()}
    of_loads["count"] = loads[f.SOURCE_STOP] - loads[f.SOURCE]
    pool = stores[f.STORE_ITEMS] // stores[f.STORED]
    of_stores = {"block": stores[f.BLOCK], "count": stores[f.STORED], "pool": pool}
    of_places = {name: stores[field] for name, field in _OF_PLACES.items()}
    for made, of, every in (
        (isa.Load, "of_loads", of_loads),
        (isa.Store, "of_stores", of_stores),
        (isa.Place, "of_stores", of_places),
    ):
        for name, values in every.items():
            yield _field(attrgetter(of), values, made, name)


def _every(units: Units) -> Int64Array:
    return np.arange(len(units))


def _of_busy(units: Units) -> Int64Array:
    """The unit of each range that is busy."""
    return np.repeat(np.arange(len(units)), at.BUSY)


def _field(of: Callable[[Units], Int64Array], values: Int64Array, made: type[Instruction], name: str) -> _Limit:
    """The limit of a field of an instruction."""
    largest = _LARGEST[made.title, name]

    def refuse(node: str, value: int, _: int) -> NoReturn:
        field = f"{made.title}: {name}"
        raise InputError(f"{node}: {field} is {value}, {value - largest} more than the field holds")

    return _Limit(of, values, largest, refuse)


def _too_many_pixels(node: str, items: int, _: int, depth: int) -> NoReturn:
    raise InputError(f"{node}: a block has {items} pixels: accumulators.depth must be at least {items}, not {depth}")


def _too_small(node: str, space: Space, needed: int, there: int, machine: Machine) -> NoReturn:
    buffer = _buffers(machine).get(space)
    over = f"{node}: it needs {needed:,} entries of {space.name.lower()}, {needed - there:,} more than there are"
    if buffer is None:
        raise InputError(over)
    least, present = -(-needed * buffer.entry // KIB), there * buffer.entry // KIB
    raise InputError(f"{over}: {buffer.key} must be at least {least}, not {present}")


def _in_use(schedule: Schedule) -> NoReturn:
    """Weights would come in the place of those of passes that the array may not have begun."""
    nodes, machine = schedule.memory.groups[0].nodes, schedule.memory.machine
    units, load = schedule.units, schedule.ordered.stuck
    unit = units.of_loads[load]
    node, walk = int(units.columns[at.NODE][unit]), units.walks[int(units.columns[at.WALK][unit])]
    largest = int(nodes[node % len(nodes)].tiles.table.longest.max())
    space = Space(int(units.loads[f.SPACE, load]))
    there = memory_sizes(machine, schedule.memory.vectors)[space]
    needed = max((FETCHER_ROOM // walk.items + 2) * largest, there + 1)
    _too_small(f"node {schedule.name(node)}", space, needed, there, machine)


def _check_tokens(schedule: Schedule, name: str) -> None:
    """No counter can overflow: few givers are ahead of their takers in program order."""
    ordered = schedule.ordered
    engine, signal, wait = (each.astype(np.int8) for each in (ordered.engine, ordered.signal, ordered.wait))
    for giver, taker in itertools.permutations(Engine, 2):
        given = (signal >> np.int8(taker) & 1) * (engine == giver)
        taken = (wait >> np.int8(giver) & 1) * (engine == taker)
        if np.cumsum(given - taken, dtype=np.int32).max(initial=0) > MAX_OPEN:
            raise InputError(f"{name}: more than {MAX_OPEN} tokens from {giver.name} to {taker.name} are open")
