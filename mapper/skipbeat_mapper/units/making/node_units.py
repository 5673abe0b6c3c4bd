"""The units of a node, visit after visit, with everything in its place on the chip."""

from __future__ import annotations

from skipbeat_arch.compiled import compiled, kept
from skipbeat_arch.depths import FETCHER_ROOM

from ...order import places as at
from ...order.places import NOWHERE
from . import fields as f
from .fields import Arrays
from .passes import add_unit, place_of
from .rings import keep, take, take_any

#: Longest part of a column tile's weights in one LOAD, so that its first pass need not wait for all of them.
PART_WORDS = 512


@kept("skipbeat_mapper.units.making", "skipbeat_mapper.order")
def make_units(a: Arrays, start: int, stop: int) -> None:
    """The units of visits from-to, which come in their order."""
    for visit in range(start, stop):
        node, column, block = a.visits[visit, 0], a.visits[visit, 1], a.visits[visit, 2]
        if column == NOWHERE:
            _begin(a, node)
            continue
        _enter(a, node, column, a.blocks[block, f.REGION])
        units = a.chip[f.UNITS]
        for part in range(a.blocks[block, f.PARTS], a.blocks[block, f.PARTS_STOP]):
            if a.tiles[a.columns[column, f.TILES], f.BEAT]:
                _accumulate(a, visit, part, units)
            else:
                tile = a.columns[column, f.TILES]
                add_unit(a, visit, part, tile, tile + 1, 0, 0, True, a.chip[f.UNITS] == units)


@compiled
def _begin(a: Arrays, node: int) -> None:
    """A node begins: its weights and parameters have their places if all of them have room."""
    first, stop = a.nodes[node, f.FIRST_COLUMN], a.nodes[node, f.FIRST_COLUMN] + a.nodes[node, f.COLUMNS]
    start, new = 0, True
    if a.nodes[node, f.ALL_WEIGHTS]:
        words = a.nodes[node, f.WORDS]
        start, new = keep(a, at.WEIGHTS, a.nodes[node, f.WEIGHTS_AT], words, words)
    a.nodes[node, f.WEIGHTS_THERE] = start
    for column in range(first, stop):
        a.columns[column, f.COLUMN_AT] = NOWHERE if new else start + a.columns[column, f.WORDS_AT]
        a.columns[column, f.BACKWARDS] = not new
    start, new = 0, True
    if a.nodes[node, f.ALL_PARAMETERS]:
        start, new = keep(a, at.PARAMETERS, a.nodes[node, f.PARAMETERS_AT], NOWHERE, a.nodes[node, f.COLUMNS])
    a.nodes[node, f.PARAMETERS_THERE] = start
    for column in range(first, stop):
        a.columns[column, f.HAS_PARAMETERS] = not new
    a.nodes[node, f.COLUMN_THERE] = a.nodes[node, f.REGION_THERE] = a.nodes[node, f.CHANNEL_THERE] = NOWHERE
    a.nodes[node, f.CHAIN_ZEROS], a.nodes[node, f.REGION_ZEROS] = a.nodes[node, f.CHAIN] != NOWHERE, 0


@compiled
def _enter(a: Arrays, node: int, column: int, region: int) -> None:
    """A region, or other channels of it, comes into the banks, unless it is there."""
    channel = column - a.nodes[node, f.FIRST_COLUMN] if a.nodes[node, f.ALONE] else 0
    if region == a.nodes[node, f.REGION_THERE] and channel == a.nodes[node, f.CHANNEL_THERE]:
        return
    a.nodes[node, f.REGION_THERE], a.nodes[node, f.CHANNEL_THERE] = region, channel
    start = a.nodes[node, f.INPUT]
    if start == NOWHERE:
        gap, stop, apart = a.nodes[node, f.GAP_START], a.nodes[node, f.GAP_STOP], a.nodes[node, f.APART] > 0
        start = take(a, at.ACTIVATIONS, a.regions[region, f.ENTRIES], gap, stop, apart)
        a.nodes[node, f.NEXT_LINE], a.nodes[node, f.NEXT_ENTRY] = a.regions[region, f.REAL_START], 0
        a.nodes[node, f.REGION_ZEROS] = 1
    a.nodes[node, f.REGION_AT] = start


@compiled
def _accumulate(a: Arrays, visit: int, part: int, units: int) -> None:
    """The units of a part of a block in a column tile, which is not empty; those of the visit begin with `units`.

    Weights come all at once, a column tile at a time, or in parts, whatever the buffer allows. Those of a column tile
    that come together come in parts for which the first pass need not wait long: a single tile first, or all the few of
    a slice. While they stay, every other visit goes backwards: the tile that is still in the array comes first.
    """
    node, column = a.visits[visit, f.VISIT_NODE], a.visits[visit, f.VISIT_COLUMN]
    first, stop, words = a.columns[column, f.TILES], a.columns[column, f.TILES_STOP], a.columns[column, f.COLUMN_WORDS]
    everything, size, there = a.nodes[node, f.ALL_WEIGHTS], a.machine[at.WEIGHTS], a.columns[column, f.COLUMN_AT]
    if not everything and there == NOWHERE and a.nodes[node, f.COLUMN_THERE] != NOWHERE:
        a.columns[a.nodes[node, f.COLUMN_THERE], f.COLUMN_AT] = NOWHERE  # the ring may overwrite it
        a.nodes[node, f.COLUMN_THERE] = NOWHERE
    if not everything and words > size // 2:
        behind = FETCHER_ROOM // a.parts[part, f.LEAST] * a.columns[column, f.LONGEST]
        room = min(size // 4, (size - behind) // 2)
        _in_parts(a, visit, part, units, room, room, NOWHERE)
    elif there == NOWHERE:
        there = a.nodes[node, f.WEIGHTS_THERE] + a.columns[column, f.WORDS_AT]
        if not everything:
            there, a.nodes[node, f.COLUMN_THERE] = take_any(a, at.WEIGHTS, words), column
        a.columns[column, f.COLUMN_AT], a.columns[column, f.BACKWARDS] = there, 0
        alone = words if a.nodes[node, f.TOGETHER] else a.tiles[first, f.TILE_WORDS]
        _in_parts(a, visit, part, units, PART_WORDS, alone, there)
    else:
        a.columns[column, f.BACKWARDS] = 1 - a.columns[column, f.BACKWARDS]
        if a.columns[column, f.BACKWARDS]:
            first, stop = stop - 1, first - 1
        _in_pieces(a, visit, part, units, first, stop, there, 0)


@compiled
def _in_parts(a: Arrays, visit: int, part: int, units: int, room: int, first_room: int, shift: int) -> None:
    """The same with loads of at most `room` words (the first of `first_room`), but of one tile at least.

    Args:
        shift: where the first word of the column tile would be, or `NOWHERE` if each load takes the next place.
    """
    column = a.visits[visit, f.VISIT_COLUMN]
    tile, stop, room_now = a.columns[column, f.TILES], a.columns[column, f.TILES_STOP], first_room
    while tile < stop:
        end, size = tile + 1, a.tiles[tile, f.TILE_WORDS]
        while end < stop and size + a.tiles[end, f.TILE_WORDS] <= room_now:
            size += a.tiles[end, f.TILE_WORDS]
            end += 1
        begin = take_any(a, at.WEIGHTS, size) - a.tiles[tile, f.TILE_AT] if shift == NOWHERE else shift
        _in_pieces(a, visit, part, units, tile, end, begin, size)
        tile, room_now = end, room


@compiled
def _in_pieces(a: Arrays, visit: int, part: int, units: int, tile: int, stop: int, shift: int, loaded: int) -> None:
    """Units of tiles from-to, of which each needs one run of table entries; the first has the load of the words."""
    node, column, block = a.visits[visit, f.VISIT_NODE], a.visits[visit, f.VISIT_COLUMN], a.visits[visit, f.VISIT_BLOCK]
    step = 1 if stop > tile else -1
    opens = tile == (a.columns[column, f.TILES] if step > 0 else a.columns[column, f.TILES_STOP] - 1)
    while tile != stop:
        end = stop
        if a.nodes[node, f.RUNS] > 1:
            run, end = a.places[place_of(a, column, block, tile), f.RUN], tile + step
            while end != stop and a.places[place_of(a, column, block, end), f.RUN] == run:
                end += step
        add_unit(a, visit, part, tile, end, shift, loaded, opens, a.chip[f.UNITS] == units)
        tile, loaded, opens = end, 0, False
