"""Where the state of a run stands in its two arrays.

`m` holds sequences of clocks and columns of numbers, one after the other. `s` holds of each sequence how many of its
entries are known, then where each begins in `m` and the last one ends, and then single values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from skipbeat_arch.arrays import Int64Array

from ..load_timing import ENTRIES, SLOTS_AHEAD
from ..tile_paths import RING

#: A clock that is not known yet, or never comes.
UNKNOWN = -1
#: Sequences that three have, one for each engine, stand at the name plus the engine; tokens at plus 3 · giver + taker.
ENGINES, PAIRS = 3, 9

#: Clocks, each as its name says, in their order: docs/machine_timing.md.
FETCHED, ASKED, DISPATCHED, LOAD_ACCEPTED, LOAD_FINAL, LOAD_ENDED, JOB_PUSHED, JOB_POPPED = range(8)
JOB_STARTED, QUEUED, PASS_TAKEN, STORE_BEGUN, STORE_FILLED, STORE_DONE = range(JOB_POPPED + 1, JOB_POPPED + 7)
STORE_POPPED, WAITING, FIRST, FREE, CLOSED, TAKEN, ACCEPTED, FINALS = range(STORE_DONE + 1, STORE_DONE + 9)
ARRIVALS, BURST_FIRSTS, BURST_BEATS, BEATS_BEFORE = range(FINALS + 1, FINALS + 5)
LEFT = BEATS_BEFORE + 1
BEGUN = LEFT + ENGINES
TOKENS = BEGUN + ENGINES
TOKENS_TAKEN = TOKENS + PAIRS
#: The way of tiles into their banks: the last rows, slots and words, as docs/timing.md has them.
ROWS_LOADED = TOKENS_TAKEN + PAIRS
FIRES, FREES, SINCE, WRITTEN_PATH, WRITTEN_FOUND, ENTRY, EVENT = range(ROWS_LOADED + 1, ROWS_LOADED + 8)
#: Columns that are read: of instructions, of an engine's queue, and of those of one kind in it.
NUMBER = EVENT + 1
WAIT = NUMBER + ENGINES
SIGNAL = WAIT + ENGINES
ENGINE = SIGNAL + ENGINES
PLACE, KIND_LOAD, KIND_EXECUTE, KIND_STORE, COUNT_LOAD = range(ENGINE + 1, ENGINE + 6)
LOAD_START, LOAD_BEATS, LOAD_BANKS, LOAD_SIGNAL, JOB_PIXELS, JOB_SIGNAL = range(COUNT_LOAD + 1, COUNT_LOAD + 7)
PIXELS, BEAT, IS_FIRST, IS_LAST, LOADS_TILE, JOB = range(JOB_SIGNAL + 1, JOB_SIGNAL + 7)
PIXELS_BEFORE, ITEMS_BEFORE, TILE_PATH, TILE_WORDS, STORE_ITEMS, STORE_MEMORY = range(JOB + 1, JOB + 7)
STORE_START, STORE_BEATS, STORE_SIGNAL, PACE_STEPS, PACE_WINDOW, PACE_PAUSE = range(STORE_MEMORY + 1, STORE_MEMORY + 7)
VECTOR_CLOCKS, PATHS, READS = range(PACE_PAUSE + 1, PACE_PAUSE + 4)
SEQUENCES = READS + 1

#: Single values: of the hardware and the program,
ADDRESS = 2 * SEQUENCES + 1
BEAT_BYTES, VECTOR, VECTOR_BEATS, LONGEST, LATENCY, OUTSTANDING, DUPLEX, CREDITS = range(ADDRESS + 1, ADDRESS + 9)
PACE_LATENCY, IS_DENSE, METADATA_DEPTH = range(CREDITS + 1, CREDITS + 4)
#: of fetch, the engines, the core and the output stage,
REQUESTS, DISPATCH_CLOCK, LOAD_CLOCK, LOADS, LOAD_ASKED, EXECUTE_CLOCK = range(METADATA_DEPTH + 1, METADATA_DEPTH + 7)
JOBS, PASSES, WALKING, WALKED, WALKED_PIXELS, CORE_PASS = range(EXECUTE_CLOCK + 1, EXECUTE_CLOCK + 7)
CORE_LOADS, CORE_STEP, CORE_DONE, CORE_FED, BANK_FREE, WEIGHTS_FREE = range(CORE_PASS + 1, CORE_PASS + 7)
LAST_WORD, LAST_EMIT, LAST_STEP, STORE_CLOCK, STORES, HALVES = range(WEIGHTS_FREE + 1, WEIGHTS_FREE + 7)
ITEM_STEP, ANSWERED, POPPED, TAKING, STORE_ASKED, END = range(HALVES + 1, HALVES + 7)
#: and of the bus. A request is four values from its first one on: its size (0 for none), start, instructions, banks.
FETCH_REQUEST = END + 1
LOAD_REQUEST, READING, FOLLOWING, WRITE_REQUEST = range(FETCH_REQUEST + 4, FETCH_REQUEST + 20, 4)
BEATS, START, CHUNK, BANKS = range(4)
FETCH_CLOCK = WRITE_REQUEST + 4
LOAD_REQUEST_CLOCK, WRITTEN_CLOCK, READ_CLOCK, TAKE_CLOCK, WRITE_CLOCK, BUS_FREE = range(
    FETCH_CLOCK + 1, FETCH_CLOCK + 7
)
WRITE_FREE, NOW, DONE, FETCHED_DONE, WRITE_DONE, BEATS_READ, BEATS_WRITTEN = range(BUS_FREE + 1, BUS_FREE + 8)
VALUES = BEATS_WRITTEN + 1

#: What stands in a line of `PATHS`: words, how many of its rows, fires and frees there are, its first read, and from
#: RESPONSES on for each of the ten clocks that a tile finds those to all of its events.
METADATA_WORDS, VALUE_WORDS, PATH_LOADS, PATH_FIRES, PATH_FREES, PATH_READS, RESPONSES = range(7)
RESPONSE = len(ENTRIES)
#: Events of a tile, and some more to a multiple of eight: its last step, its last slot's way out, rows, fires, frees.
LAST_STEP_EVENT, LAST_EMIT_EVENT, LOAD_EVENTS, FIRE_EVENTS = 0, 1, 2, 4
FREE_EVENTS = FIRE_EVENTS + SLOTS_AHEAD
EVENTS = -(-(FREE_EVENTS + RING + 1) // 8) * 8
PATH_SIZE = RESPONSES + RESPONSE * EVENTS
#: Kinds of instructions in the engines' queues; what is 0 has nothing to do.
A_ZERO, A_LOAD = 0, 1
NO_JOB, A_JOB, A_PASS = 0, 1, 2
A_PLACE, A_STORE, AN_END = 0, 1, 2


class Repeat(NamedTuple):
    """Instructions that come several times, of which one is followed.

    Attributes:
        start, stop: from-to.
        times: how often they come again after that.
        clocks, beats_read, beats_written: of one of these times.
    """

    start: int
    stop: int
    times: int
    clocks: int
    beats_read: int
    beats_written: int


@dataclass(frozen=True, eq=False)
class Followed:
    """A program that was followed, in its two arrays, and how long what was cut out of it takes."""

    s: Int64Array
    m: Int64Array
    repeats: tuple[Repeat, ...] = ()

    def clocks(self, sequence: int) -> Int64Array:
        """What is known of a sequence."""
        first = self.s[SEQUENCES + sequence]
        return self.m[first : first + self.s[sequence]]

    def value(self, place: int) -> int:
        """A single value."""
        return int(self.s[place])
