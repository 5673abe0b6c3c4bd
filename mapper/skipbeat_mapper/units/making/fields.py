"""Where everything that units are made of stands in arrays of numbers, and what is made of it.

Each array has a line for every thing of a kind, what units are made of or what is made; its fields are numbered here.
"""

from __future__ import annotations

from typing import NamedTuple

from skipbeat_arch.arrays import Int64Array

from ...order import places as at

#: Of a node: its number counted on from group to group of images, and where its column tiles begin among all;
NUMBER, FIRST_COLUMN = range(2)
#: its weights: where they lie, their words, whether all have room, and whether those of a column tile come together;
WEIGHTS_AT, WORDS, ALL_WEIGHTS, TOGETHER = range(2, 6)
#: its parameters: where they lie, of how many column tiles, and whether all have room;
PARAMETERS_AT, COLUMNS, ALL_PARAMETERS = range(6, 9)
#: its table entries: where they lie, where its runs begin among all, and how many there are;
TABLE_AT, FIRST_RUN, RUNS = range(9, 12)
#: its input: the entry where the node before puts it (or `NOWHERE`), its first vector, vectors of a channel block,
#: where its channel blocks begin among all and how many there are, whether each is loaded alone, whether regions lie at
#: both ends in turn, and the entries that they may have;
INPUT, INPUT_AT, INPUT_BLOCK, FIRST_CHANNEL, CHANNELS, ALONE, APART, GAP_START, GAP_STOP = range(12, 21)
#: its output: its first vector (or `NOWHERE`), vectors of an output, outputs of a channel block, items of an output,
#: the first vector of its residuals (or `NOWHERE`), its region in the banks and the first entry of that (or `NOWHERE`);
OUTPUT_AT, SCALE, OUTPUT_BLOCK, POOL, RESIDUALS_AT, CHAIN, CHAIN_AT = range(21, 28)
#: how many numbers of pixels its passes may have, and where the numbers of its commands begin among all.
SIZES, FIRST_COMMAND = range(28, 30)
#: What changes: where its weights and parameters are if all have room, the one column tile whose weights are there if
#: not, the region and the channel block that are there, where these are, its next line and of a single one the next
#: entry, and whether the zeros of its output's region and of its own are still to come.
WEIGHTS_THERE, PARAMETERS_THERE, COLUMN_THERE, REGION_THERE, CHANNEL_THERE, REGION_AT = range(30, 36)
NEXT_LINE, NEXT_ENTRY, CHAIN_ZEROS, REGION_ZEROS = range(36, 40)
NODE_FIELDS = 40

#: Of a column tile: its tiles from-to, the first of its words and of its places, its words and those of the longest
#: tile, and of its outputs in the banks their plane, first bank and period (log2);
TILES, TILES_STOP, WORDS_AT, PLACES_AT, COLUMN_WORDS, LONGEST, OUT_PLANE, OUT_BANK, OUT_PERIOD = range(9)
#: and what changes: where its words are (or `NOWHERE`), whether its last visit went backwards, whether its parameters
#: are there.
COLUMN_AT, BACKWARDS, HAS_PARAMETERS = range(9, 12)
COLUMN_FIELDS = 12
#: Of a tile: its number in `NodeTiles.cells`, its words and the first of them in its column tile, its statistics (of a
#: null pass -1 less its outputs), all that its command says of it as a number, and b (of a null pass 0).
CELLS, TILE_WORDS, TILE_AT, STATISTICS, SHAPE, BEAT = range(6)
#: Of a tile in a region: where its passes' walk begins, the first entry that they read for their first pixel and that
#: behind the last, its table entry's place in its run and that run, all -1 for the entry of zeros.
WALK_FROM, READ_FROM, READ_STOP, ENTRY, RUN = range(5)
#: Of a run of table entries: from-to among those of its node, and where it is in the table.
RUN_START, RUN_STOP, RUN_AT = range(3)
#: Of a region: its entries, those of a plane and of a line, its lines, those of the map from-to, zeros and pixels that
#: a line begins with, whether lines follow one another in memory, where its first pixel is there from the first one of
#: the map, vectors from line to line there, and where its tiles' places begin.
ENTRIES, PLANE, PITCH, LINES, REAL_START, REAL_STOP, LEAD, REAL, WHOLE, PIXEL_AT, LINE_APART, REGION_PLACES = range(12)
#: Of a channel block: its plane, first bank and period (log2).
IN_PLANE, IN_BANK, IN_PERIOD = range(3)
#: Of a block: its region, the line of that up to which it needs it (of a single line the entry), its outputs and the
#: first of them in its column tile, its parts from-to, and in the region of its outputs the first entry, the width and
#: the entries from the first to behind the last.
REGION, NEEDED, OUTPUTS, FIRST_OUTPUT, PARTS, PARTS_STOP, LOCAL_AT, LOCAL_WIDTH, LOCAL_SPAN = range(9)
#: Of what is accumulated together, a block or a part of one: its first entry from the region's first, its walk, the
#: items and the reach of that, these items as one of the node's `SIZES`, and the fewest of parts for the same outputs.
PART_AT, PART_WALK, ITEMS, REACH, SIZE, LEAST = range(6)
#: Of a visit: a node, a column tile and a block, both among all. With `NOWHERE` for both the node begins.
VISIT_NODE, VISIT_COLUMN, VISIT_BLOCK = range(3)

#: Made of a unit: its node, walk, first pass, first load, and store (or `NOWHERE`).
UNIT_NODE, UNIT_WALK, UNIT_PASS, UNIT_LOAD, UNIT_STORE = range(5)
#: Made of a pass, from `order.places.STEPS` on, and then: its command, the statistics of the tile that it loads and the
#: words of that (`NOWHERE` and 0 if it loads none), and where its walk begins.
STEPS, FED, SUMS, ENTRIES_FROM, ENTRIES_TO, TABLE_FROM, TABLE_TO, WORDS_FROM, WORDS_TO = range(9)
COMMAND, LOADED, LOADED_WORDS, BASE = range(9, 13)
#: Made of a load, from `order.places.SPACE` on, and then: where its instruction says that it writes.
SPACE, START, STOP, SOURCE, SOURCE_STOP, FIRST_SPAN, CLOCKS, WIDTH, LINE_PITCH = range(9)
TO, PERIOD, BANK = range(9, 12)
#: Made of a store, from `order.places.ITEMS` on, and then: its memory vector, block of parameters, residuals (or
#: `NOWHERE`), outputs and the first of them in its tensor, node, and where its instruction says that it writes.
STORE_ITEMS, PARAMETERS_FROM, PARAMETERS_TO, RESIDUALS_FROM, RESIDUALS_TO = range(5)
MEMORY_FROM, MEMORY_TO, BANKS_FROM, BANKS_TO, STORE_WIDTH, STORE_PITCH = range(5, 11)
ADDRESS, BLOCK, RESIDUAL, STORED, POSITION, STORE_NODE, STORE_TO, STORE_PERIOD, STORE_BANK = range(11, 20)
#: Made of a command: the statistics of one of its tiles, its pixels, and bits: it loads a tile, is the first, the last.
OF_TILE, PIXELS, SAYS = range(3)
LAST, FIRST, LOADS_TILE = 1, 2, 4
UNIT_FIELDS, PASS_FIELDS, LOAD_FIELDS, SPAN_FIELDS, STORE_FIELDS, COMMAND_FIELDS = 5, 13, 12, 2, 20, 3

#: Of the chip: where the next entries of each memory are taken, how many ranges of each are kept, the tile in the array
#: (its node's weights, column tile and cells), whether the table entry of zeros is there, the operations of all units
#: (beside that entry's) and the walk that is set up.
NEXT, KEPT = 0, at.SPACES
RESIDENT, RESIDENT_COLUMN, RESIDENT_CELLS, ZERO_ENTRY, OPERATIONS, SET_UP = range(2 * at.SPACES, 2 * at.SPACES + 6)
#: How many there are of what is made.
UNITS, PASSES, LOADS, SPANS, STORES, COMMANDS = range(SET_UP + 1, SET_UP + 7)
CHIP_FIELDS = COMMANDS + 1
#: Of what is kept: two numbers that name it, and from-to.
KEY, KEY_PART, KEPT_START, KEPT_STOP = range(4)
#: Of the machine: entries of each memory (of parameters, blocks), vectors of a table entry, beats of a vector.
TABLE_VECTORS, VECTOR_BEATS, MACHINE_FIELDS = range(at.SPACES, at.SPACES + 3)


class Arrays(NamedTuple):
    """All of them, int64 [things, fields], of what is made [room, fields], of the busy ones [room, `BUSY`].

    Attributes:
        machine: [MACHINE_FIELDS]. chip: [CHIP_FIELDS]. kept: [spaces, ranges, 4].
        numbers: of commands, by their node, shape, size and bits; `NOWHERE` where there is none yet.
    """

    machine: Int64Array
    chip: Int64Array
    kept: Int64Array
    numbers: Int64Array
    nodes: Int64Array
    columns: Int64Array
    tiles: Int64Array
    places: Int64Array
    runs: Int64Array
    regions: Int64Array
    channels: Int64Array
    blocks: Int64Array
    parts: Int64Array
    visits: Int64Array
    units: Int64Array
    busy_start: Int64Array
    busy_stop: Int64Array
    passes: Int64Array
    loads: Int64Array
    spans: Int64Array
    stores: Int64Array
    commands: Int64Array
