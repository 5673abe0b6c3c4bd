"""Units: the passes of tiles that follow one another, with the loads that they need."""

from __future__ import annotations

from skipbeat_arch.compiled import compiled

from ...order import places as at
from ...order.places import NOWHERE
from . import fields as f
from .fields import Arrays
from .loads import add_lines, add_load, add_run, add_table_load, add_zeros
from .stores import add_store


@compiled
def add_unit(
    a: Arrays, visit: int, part: int, tile: int, stop: int, shift: int, loaded: int, opens: bool, is_new: bool
) -> None:
    """The unit of passes of tiles from-to, backwards if `stop` is below `tile`.

    Args:
        a: all arrays.
        visit: whose unit it is.
        part: what is accumulated.
        tile, stop: of the visit's column tile.
        shift: where the first of its words would be in the weight buffer.
        loaded: words from the first tile on that are loaded for it.
        opens: whether it is the first one of the part.
        is_new: whether it is the first one of the visit, which has its store.
    """
    node, column, block = a.visits[visit, f.VISIT_NODE], a.visits[visit, f.VISIT_COLUMN], a.visits[visit, f.VISIT_BLOCK]
    number, first_load, store, run = a.chip[f.UNITS], a.chip[f.LOADS], NOWHERE, NOWHERE
    a.chip[f.UNITS] += 1
    null = a.tiles[tile, f.BEAT] == 0
    if not a.chip[f.ZERO_ENTRY]:
        a.chip[f.ZERO_ENTRY] = 1
        a.chip[f.OPERATIONS] -= 1
        add_table_load(a, 0, 0, 1)
    if not null:
        run = _table_run(a, node, column, block, tile)
    if a.nodes[node, f.CHAIN_ZEROS]:
        add_zeros(a, a.nodes[node, f.CHAIN], a.nodes[node, f.CHAIN_AT])
    if a.nodes[node, f.REGION_ZEROS]:
        add_zeros(a, a.nodes[node, f.REGION_THERE], a.nodes[node, f.REGION_AT])
    a.nodes[node, f.CHAIN_ZEROS] = a.nodes[node, f.REGION_ZEROS] = 0
    add_lines(a, node, block)
    if loaded:
        first = a.tiles[tile, f.TILE_AT]
        source = a.nodes[node, f.WEIGHTS_AT] + a.columns[column, f.WORDS_AT] + first
        add_load(a, at.WEIGHTS, shift + first, shift + first + loaded, source, loaded)
    if is_new:
        store = add_store(a, node, column, block)
    units, walk = a.units, a.parts[part, f.PART_WALK]
    units[number, f.UNIT_NODE], units[number, f.UNIT_WALK] = a.nodes[node, f.NUMBER], walk
    units[number, f.UNIT_PASS], units[number, f.UNIT_LOAD] = a.chip[f.PASSES], first_load
    units[number, f.UNIT_STORE] = store
    a.chip[f.OPERATIONS] += abs(stop - tile) + a.chip[f.LOADS] - first_load + is_new + (walk != a.chip[f.SET_UP])
    a.chip[f.SET_UP] = walk
    a.busy_start[number], a.busy_stop[number] = NOWHERE, NOWHERE
    if store != NOWHERE:
        for each in range(4):
            a.busy_start[number, 3 + each] = a.stores[store, f.PARAMETERS_FROM + 2 * each]
            a.busy_stop[number, 3 + each] = a.stores[store, f.PARAMETERS_TO + 2 * each]
    if null:
        _add_pass(a, node, part, tile, f.FIRST | f.LAST)
    else:
        _add_passes(a, node, column, part, tile, stop, shift, run, opens)


@compiled
def _table_run(a: Arrays, node: int, column: int, block: int, tile: int) -> int:
    """The run of table entries that a tile needs, which is there then; `NOWHERE` if it needs none."""
    if not a.nodes[node, f.RUNS]:
        return NOWHERE
    run = 0 if a.nodes[node, f.RUNS] == 1 else a.places[place_of(a, column, block, tile), f.RUN]
    if run != NOWHERE:
        run += a.nodes[node, f.FIRST_RUN]
        add_run(a, node, run)
    return run


@compiled
def place_of(a: Arrays, column: int, block: int, tile: int) -> int:
    """The line of `places` of a tile of a column tile in the region of a block."""
    first: int = a.regions[a.blocks[block, f.REGION], f.REGION_PLACES] + a.columns[column, f.PLACES_AT]
    return first + tile - int(a.columns[column, f.TILES])


@compiled
def _add_passes(
    a: Arrays, node: int, column: int, part: int, tile: int, stop: int, shift: int, run: int, opens: bool
) -> None:
    """The passes of a unit; the array may still hold the first tile."""
    unit, chip = a.chip[f.UNITS] - 1, a.chip
    block_last = a.columns[column, f.TILES_STOP] - 1
    step, table = 1 if stop > tile else -1, a.runs[run, f.RUN_AT] if run != NOWHERE else 0
    base = a.nodes[node, f.REGION_AT] + a.parts[part, f.PART_AT]
    region = a.nodes[node, f.REGION_THERE]
    first_place = a.regions[region, f.REGION_PLACES] + a.columns[column, f.PLACES_AT] - a.columns[column, f.TILES]
    if step < 0:
        block_last = a.columns[column, f.TILES]
    load = (
        chip[f.RESIDENT] != a.nodes[node, f.WEIGHTS_AT]
        or chip[f.RESIDENT_COLUMN] != column - a.nodes[node, f.FIRST_COLUMN]
        or chip[f.RESIDENT_CELLS] != a.tiles[tile, f.CELLS]
    )
    for each in range(tile, stop, step):
        says = f.LOADS_TILE * load | f.FIRST * opens | f.LAST * (each == block_last)
        number = _add_pass(a, node, part, each, says)
        place = a.places[first_place + each]
        entry = table + place[f.ENTRY] if place[f.ENTRY] != NOWHERE else 0
        read_from, read_to = base + place[f.READ_FROM], base + place[f.READ_STOP] + a.parts[part, f.REACH]
        a.passes[number, f.BASE] = base + place[f.WALK_FROM]
        _read(a, unit, number, 0, read_from, read_to)
        _read(a, unit, number, 1, entry, entry + 1)
        if load:
            words = shift + a.tiles[each, f.TILE_AT]
            _read(a, unit, number, 2, words, words + a.tiles[each, f.TILE_WORDS])
            a.passes[number, f.LOADED] = a.tiles[each, f.STATISTICS]
            a.passes[number, f.LOADED_WORDS] = a.tiles[each, f.TILE_WORDS]
        load, opens = True, False
    chip[f.RESIDENT] = a.nodes[node, f.WEIGHTS_AT]
    chip[f.RESIDENT_COLUMN] = column - a.nodes[node, f.FIRST_COLUMN]
    chip[f.RESIDENT_CELLS] = a.tiles[stop - step, f.CELLS]


@compiled
def _read(a: Arrays, unit: int, number: int, memory: int, start: int, stop: int) -> None:
    """A pass of a unit reads entries from-to of one of three memories."""
    a.passes[number, f.ENTRIES_FROM + 2 * memory], a.passes[number, f.ENTRIES_TO + 2 * memory] = start, stop
    known = a.busy_start[unit, memory] != NOWHERE
    a.busy_start[unit, memory] = min(start, a.busy_start[unit, memory]) if known else start
    a.busy_stop[unit, memory] = max(stop, a.busy_stop[unit, memory])


@compiled
def _add_pass(a: Arrays, node: int, part: int, tile: int, says: int) -> int:
    """A pass that reads nothing yet; its number."""
    number, items, beat = int(a.chip[f.PASSES]), a.parts[part, f.ITEMS], a.tiles[tile, f.BEAT]
    a.chip[f.PASSES] += 1
    a.passes[number, f.STEPS] = items * max(1, beat)
    a.passes[number, f.FED] = items * (beat > 0)
    a.passes[number, f.SUMS] = items * (says & f.LAST)
    for field in range(f.ENTRIES_FROM, f.WORDS_TO + 1):
        a.passes[number, field] = NOWHERE
    a.passes[number, f.COMMAND] = _command(a, node, part, tile, says)
    a.passes[number, f.LOADED], a.passes[number, f.LOADED_WORDS], a.passes[number, f.BASE] = NOWHERE, 0, 0
    return number


@compiled
def _command(a: Arrays, node: int, part: int, tile: int, says: int) -> int:
    """The number of a command."""
    shape = a.tiles[tile, f.SHAPE] * a.nodes[node, f.SIZES] + a.parts[part, f.SIZE]
    at_number = a.nodes[node, f.FIRST_COMMAND] + 8 * shape + says
    if a.numbers[at_number] == NOWHERE:
        number = a.chip[f.COMMANDS]
        a.commands[number, f.OF_TILE], a.commands[number, f.SAYS] = a.tiles[tile, f.STATISTICS], says
        a.commands[number, f.PIXELS] = a.parts[part, f.ITEMS]
        a.numbers[at_number] = number
        a.chip[f.COMMANDS] += 1
    return int(a.numbers[at_number])
