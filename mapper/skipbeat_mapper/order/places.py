"""Where the units of a program, and what is known of its order so far, stand in two arrays of numbers.

`m` holds columns, one after the other. `s` says where each begins and the last one ends, and then holds single values.
A space is a memory by its number, as `units.Space` has it; a draft is an instruction by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Engine, Kind

#: Where no range is, and a draft that there is not.
NOWHERE = NEVER = -1

WEIGHTS, ACTIVATIONS, PARAMETERS = int(Kind.WEIGHTS), int(Kind.ACTIVATIONS), int(Kind.PARAMETERS)
RESIDUAL, TABLE, MEMORY = int(Kind.RESIDUAL), int(Kind.TABLE), len(Kind)
SPACES = len(Kind) + 1
LOAD, EXECUTE, STORE = int(Engine.LOAD), int(Engine.EXECUTE), int(Engine.STORE)
ENGINES, PAIRS = len(Engine), len(Engine) ** 2

#: Clocks that a ZERO costs beside those of its entries.
ZERO_CLOCKS = 3

#: What an instruction is.
HEADER, A_LOAD, A_ZERO, A_WALK, A_PASS, A_PLACE, A_STORE, AN_END = range(8)

#: What must not change while a unit runs: what its passes read, and what its store reads and writes; -1 to -1 if none.
BUSY_SPACES = ACTIVATIONS, TABLE, WEIGHTS, PARAMETERS, RESIDUAL, MEMORY, ACTIVATIONS
BUSY = len(BUSY_SPACES)

#: Columns that are read: of units, where their first passes and loads stand (one more than there are units), and the
#: numbers of their walks and stores (-1 for none); BUSY lines of a unit,
NODE, WALK, FIRST_PASS, FIRST_LOAD, UNIT_STORE, BUSY_START, BUSY_STOP = range(7)
#: of passes: steps, pixels with bundles, sums that it completes, and the ranges that it reads,
STEPS, FED, SUMS, ENTRIES_START, ENTRIES_STOP, TABLE_START, TABLE_STOP, WORDS_START, WORDS_STOP = range(7, 16)
#: of loads: what they write, the memory that they read (zeros none), where the spans of zeros begin (one more than
#: there are loads), clocks of the load engine, and the lines that are written,
SPACE, START, STOP, SOURCE, SOURCE_STOP, FIRST_SPAN, CLOCKS, WIDTH, PITCH = range(16, 25)
SPAN_START, SPAN_STOP = 25, 26
#: of stores: items, the ranges that they read and write, and the lines in the banks.
ITEMS, PARAMETERS_START, PARAMETERS_STOP, RESIDUAL_START, RESIDUAL_STOP = range(27, 32)
MEMORY_START, MEMORY_STOP, BANKS_START, BANKS_STOP, LINE, APART = range(32, 38)
READ_COLUMNS = 38

#: Columns that are written: of drafts, what each is, the number of its load, zero, walk, pass or store, the node that a
#: load is for, its engine, and bits of the engines that it waits for and signals,
KIND, REFERS, OWNER, ENGINE, WAIT, SIGNAL = range(READ_COLUMNS, READ_COLUMNS + 6)
#: entries that are cleared, and parts of nodes,
ZERO_START, ZERO_STOP, PART_NODE, PART_START, PART_STOP = range(SIGNAL + 1, SIGNAL + 6)
#: whether a load has its place, and whether an entry of the banks is zero,
DONE, CLEAN = PART_STOP + 1, PART_STOP + 2
#: the last draft of each engine now, at the end of the last unit, and at the end of the one before,
LAST, MARK, HORIZON = range(CLEAN + 1, CLEAN + 4)
#: of each pair of engines (giver · ENGINES + taker) the last giver for which the taker has waited, which means that all
#: before it are done; how many tokens there were, and who gave and takes the last of them,
MET, TOKENS, GIVER, TAKER = range(HORIZON + 1, HORIZON + 5)
#: of each space, the last load that wrote an entry (of memory: store), and the last draft that read it (of words: pass,
#: by its number); the store that wrote each entry of the banks; the newest load of each space,
WRITER = TAKER + 1
READER = WRITER + SPACES
STORED, NEWEST = READER + SPACES, READER + SPACES + 1
#: of passes, their drafts, the items before and after them, and the stores that they feed; the last stores,
PASS_DRAFT, BEGINS, ENDS, FEEDS, LAST_STORES = range(NEWEST + 1, NEWEST + 6)
#: and room for ranges, for loads that may come early with how many units later they are due, and for a unit's loads.
RANGE_SPACE, RANGE_START, RANGE_STOP, EARLY, DISTANCE, NOW = range(LAST_STORES + 1, LAST_STORES + 7)
COLUMNS = NOW + 1

#: Single values: the units, the memory latency, and the least and the most for which all choices are the same; whether
#: no load of parameters waits for the stores that read what was there before;
UNITS, LATENCY, LEAST, MOST, LOOSE = range(COLUMNS + 1, COLUMNS + 6)
#: drafts, zeros, parts, passes, items and stores so far; the walk that is set up; whether the last store is local;
DRAFTS, ZEROS, PARTS, PASSES, FED_ITEMS, STORES, SET_UP, IS_LOCAL = range(LOOSE + 1, LOOSE + 9)
#: clocks of the bus that passes have left; the load with which the order is stuck;
CREDIT, STUCK = IS_LOCAL + 1, IS_LOCAL + 2
#: the last draft that wrote the banks as a store or as a load, that closed a store, and that loads anything; the store
#: that is open, and the sums that it has not been given yet.
LAST_LOCAL, LAST_LOAD, LAST_CLOSED, NEWEST_LOAD, OPEN_STORE, DUE = range(STUCK + 1, STUCK + 7)
VALUES = DUE + 1

#: A column's numbers, or how many -1 it begins with.
Columns = Mapping[int, Int64Array | int]


def arranged(columns: Columns) -> tuple[Int64Array, Int64Array]:
    """The arrays with all columns, and single values that are 0."""
    sizes = [each if isinstance(each, int) else each.size for each in (columns[n] for n in range(COLUMNS))]
    s = np.zeros(VALUES, np.int64)
    s[: COLUMNS + 1] = list(accumulate(sizes, initial=0))
    m = np.full(s[COLUMNS], NEVER, np.int64)
    for number, column in columns.items():
        if not isinstance(column, int):
            m[s[number] : s[number + 1]] = column
    return s, m


def column(s: Int64Array, m: Int64Array, number: int) -> Int64Array:
    """A column."""
    return m[s[number] : s[number + 1]]
