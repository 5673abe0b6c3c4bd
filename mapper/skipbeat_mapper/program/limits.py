"""Whether a schedule keeps to the limits of the hardware: the one place that refuses a network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
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
from ..units.units import Space
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


#: Fields of instructions that are checked, by the field of what they are made of.
_OF_LOADS = {"to": f.TO, "width": f.WIDTH, "pitch": f.LINE_PITCH, "period": f.PERIOD, "bank": f.BANK}
_OF_PLACES = {
    **{"to": f.STORE_TO, "width": f.STORE_WIDTH, "pitch": f.STORE_PITCH},
    **{"period": f.STORE_PERIOD, "bank": f.STORE_BANK},
}


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
    found = [each for each in _limits(schedule, sizes) if (each.values > each.largest).any()]
    if not found:
        return

    def first(each: _Limit) -> tuple[int, int]:
        """The first unit that exceeds a limit, and the place of what does."""
        place = int(np.flatnonzero(each.values > each.largest)[0])
        return int(each.of[place]), place

    each = min(found, key=lambda each: first(each)[0])
    unit, place = first(each)
    each.refuse(f"node {schedule.name(int(schedule.units.columns[at.NODE][unit]))}", int(each.values[place]), place)


class _Limit(NamedTuple):
    """The values of some things, the units that they are of in ascending order, and the largest value that may be."""

    of: Int64Array
    values: Int64Array
    largest: int | Int64Array
    refuse: Callable[[str, int, int], NoReturn]


def _limits(schedule: Schedule, sizes: Mapping[Space, int]) -> Iterator[_Limit]:
    """All of them; of those that one unit exceeds the first one is told."""
    machine, units = schedule.memory.machine, schedule.units
    columns, loads, stores = units.columns, units.loads[:, units.loads[f.SOURCE] != NOWHERE], units.stores
    every, depth = np.arange(len(units)), machine.hw.accumulators.depth
    walks = np.array([(walk.items, *walk.counts) for walk in units.walks], np.int64).reshape(-1, 5)[columns[at.WALK]]
    yield _Limit(every, walks[:, 0], depth, partial(_too_many_pixels, depth=depth))
    for loop in range(4):
        yield _field(every, walks[:, 1 + loop], isa.Setup, f"n{loop}")
    room = np.array([sizes[space] for space in Space], np.int64)

    def entries(of: Int64Array, stops: Int64Array, spaces: Int64Array) -> _Limit:
        def refuse(node: str, needed: int, place: int) -> NoReturn:
            space = Space(int(spaces[place]))
            _too_small(node, space, needed, sizes[space], machine)

        return _Limit(of, stops, room[spaces], refuse)

    yield entries(units.of_loads, columns[at.STOP], columns[at.SPACE])
    yield entries(np.repeat(every, at.BUSY), columns[at.BUSY_STOP], np.tile(at.BUSY_SPACES, len(units)))
    of_loads = units.of_loads[units.loads[f.SOURCE] != NOWHERE]
    for name, field in _OF_LOADS.items():
        yield _field(of_loads, loads[field], isa.Load, name)
    yield _field(of_loads, loads[f.SOURCE_STOP] - loads[f.SOURCE], isa.Load, "count")
    pool = stores[f.STORE_ITEMS] // stores[f.STORED]
    for name, values in {"block": stores[f.BLOCK], "count": stores[f.STORED], "pool": pool}.items():
        yield _field(units.of_stores, values, isa.Store, name)
    for name, field in _OF_PLACES.items():
        yield _field(units.of_stores, stores[field], isa.Place, name)


def _field(of: Int64Array, values: Int64Array, made: type[Instruction], name: str) -> _Limit:
    """The limit of a field of an instruction."""
    largest = _LARGEST.setdefault((made.title, name), made.largest(name))

    def refuse(node: str, value: int, _: int) -> NoReturn:
        field = f"{made.title}: {name}"
        raise InputError(f"{node}: {field} is {value}, {value - largest} more than the field holds")

    return _Limit(of, values, largest, refuse)


#: The largest values of fields that were asked for.
_LARGEST: dict[tuple[str, str], int] = {}


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
    for giver, taker in itertools.permutations(Engine, 2):
        given = (ordered.signal >> taker & 1) * (ordered.engine == giver)
        taken = (ordered.wait >> giver & 1) * (ordered.engine == taker)
        if np.cumsum(given - taken).max(initial=0) > MAX_OPEN:
            raise InputError(f"{name}: more than {MAX_OPEN} tokens from {giver.name} to {taker.name} are open")
