"""The two arrays of a program before it begins: its columns, and room for all clocks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int32Array, Int64Array
from skipbeat_arch.depths import FETCH_CHUNK, core_latency
from skipbeat_arch.engines import Engine, Kind, Opcode
from skipbeat_arch.hardware import MOST_OUTSTANDING, Hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine

from ..columns import Columns, different_pairs
from ..load_timing import NEVER, SLOTS_AHEAD
from ..output_pace import pace, turn_clocks, vector_clocks
from ..pass_columns import PassColumns
from ..tile_paths import RING, TilePath, tile_paths
from . import places as at

#: A column by the sequence that it is.
Filled = dict[int, Sequence[int] | Int64Array]
#: Columns that hold sums over a program, or clocks that may be before any other.
_LARGE = frozenset(
    (at.PIXELS_BEFORE, at.ITEMS_BEFORE, at.STORE_ITEMS, at.PATHS, at.READS, at.ROWS_LOADED, at.FIRES, at.FREES)
)


class Arrays(NamedTuple):
    """The two arrays of a program that has not begun, as `places.py` says; `m` by what is not zero in it.

    Attributes:
        s: int64 [VALUES].
        columns: sequences that are known, by where they begin in `m`; most are int32, as many are kept.
    """

    s: Int64Array
    columns: dict[int, Int64Array | Int32Array]

    def begin(self) -> tuple[Int64Array, Int64Array]:
        """Both of them, for one run."""
        m = np.zeros(self.s[2 * at.SEQUENCES], np.int64)
        for first, column in self.columns.items():
            m[first : first + column.size] = column
        return self.s.copy(), m


def filled(machine: Machine, program: Columns) -> Arrays:
    """The arrays of a program for whatever latency the memory has, and for all bursts that it may have at once."""
    columns = {**_queues(program), **_loads(machine, program), **_passes(program), **_stores(machine, program)}
    room = _room(machine, program, columns)
    return arranged(columns | tile_columns(program.passes, machine.hw), room, machine.hw)


def begun(arrays: Arrays, machine: Machine, address: int) -> tuple[Int64Array, Int64Array]:
    """The arrays `s` and `m` of a program on a machine; its first instruction lies at a byte address."""
    s, m = arrays.begin()
    for value, number in _sizes(machine).items():
        s[value] = number
    s[at.ADDRESS], s[at.ARRIVALS] = address, machine.hw.memory.outstanding
    first = s[at.SEQUENCES + at.ARRIVALS]
    m[first : first + s[at.ARRIVALS]] = -1
    return s, m


def arranged(columns: Filled, room: dict[int, int], hw: Hardware) -> Arrays:
    """The arrays with these columns, room for so many entries of sequences, and nothing done yet."""
    room = room | tile_room(hw)
    sizes = [max(room.get(each, 0), len(columns.get(each, ()))) for each in range(at.SEQUENCES)]
    s = np.zeros(at.VALUES, np.int64)
    s[at.SEQUENCES : 2 * at.SEQUENCES + 1] = list(accumulate(sizes, initial=0))
    for sequence, column in columns.items():
        s[sequence] = len(column)
    s[at.BANK_FREE] = s[at.LAST_EMIT] = s[at.LAST_STEP] = NEVER
    s[at.END] = at.UNKNOWN
    s[at.IS_DENSE], s[at.METADATA_DEPTH] = hw.is_dense, max(2, hw.metadata_words)
    begins = s[at.SEQUENCES : 2 * at.SEQUENCES].tolist()
    return Arrays(s, {begins[each]: _small(each, column) for each, column in columns.items() if len(column)})


def _small(sequence: int, column: Sequence[int] | Int64Array) -> Int64Array | Int32Array:
    """A column in half the space, if nothing in it can be large."""
    return np.asarray(column, np.int64) if sequence in _LARGE else np.asarray(column, np.int32)


def _sizes(machine: Machine) -> dict[int, int]:
    """Single values of the hardware."""
    hw = machine.hw
    return {
        at.BEAT_BYTES: machine.beat_bytes,
        at.VECTOR: machine.vector,
        at.VECTOR_BEATS: machine.vector_beats,
        at.LONGEST: machine.burst_beats,
        at.LATENCY: hw.memory.latency_clocks,
        at.OUTSTANDING: hw.memory.outstanding,
        at.DUPLEX: int(machine.duplex),
        at.CREDITS: hw.result_depth,
        at.PACE_LATENCY: core_latency(hw),
    }


def _room(machine: Machine, program: Columns, columns: Filled) -> dict[int, int]:
    """Entries that each sequence of clocks may get."""
    loads, jobs, passes = (len(columns[each]) for each in (at.LOAD_BEATS, at.JOB_PIXELS, at.PIXELS))
    stores, memory = len(columns[at.STORE_MEMORY]), int(np.sum(columns[at.STORE_MEMORY]))
    count, items = len(program), int(columns[at.ITEMS_BEFORE][-1])
    chunks, bursts = -(-count // FETCH_CHUNK), _bursts(machine, program, columns)
    room = {at.FETCHED: count, at.DISPATCHED: count, at.ASKED: chunks, at.CLOSED: items, at.TAKEN: items}
    room |= dict.fromkeys((at.LOAD_ACCEPTED, at.LOAD_FINAL, at.LOAD_ENDED), loads)
    room |= dict.fromkeys((at.JOB_PUSHED, at.JOB_POPPED, at.JOB_STARTED), jobs)
    room |= dict.fromkeys((at.QUEUED, at.PASS_TAKEN, at.WAITING, at.FIRST, at.FREE), passes)
    room |= dict.fromkeys((at.STORE_BEGUN, at.STORE_FILLED, at.STORE_POPPED), stores) | {at.STORE_DONE: memory}
    room |= dict.fromkeys((at.ACCEPTED, at.FINALS), loads + chunks)
    room |= dict.fromkeys((at.ARRIVALS, at.BURST_FIRSTS, at.BURST_BEATS, at.BEATS_BEFORE), bursts)
    for engine in Engine:
        queue = program.of_engine[engine]
        room |= dict.fromkeys((at.LEFT + engine, at.BEGUN + engine), queue.size)
        for other in Engine:
            given, taken = (int((each[queue] >> other & 1).sum()) for each in (program.signal, program.wait))
            room[at.TOKENS + at.ENGINES * engine + other] = given
            room[at.TOKENS_TAKEN + at.ENGINES * other + engine] = taken
    return room


def _bursts(machine: Machine, program: Columns, columns: Filled) -> int:
    """Bursts that are read at most, and as many places as there may be on their way."""
    chunks, longest = -(-len(program) // FETCH_CHUNK), machine.burst_beats
    beats = np.asarray(columns[at.LOAD_BEATS], np.int64) + columns[at.LOAD_START]
    fetched = -(-FETCH_CHUNK * INSTRUCTION_BYTES // machine.beat_bytes) + machine.vector_beats
    return int((-(-beats // longest)).sum()) + chunks * (fetched // longest + 2) + MOST_OUTSTANDING


def _queues(program: Columns) -> Filled:
    """All instructions, and each engine's."""
    engine, opcode, place = program.engine, program.opcode, np.zeros(len(program), np.int64)
    columns: Filled = {at.ENGINE: engine, at.PLACE: place}
    for each in Engine:
        numbers = program.of_engine[each]
        place[numbers] = np.arange(numbers.size)
        columns |= {at.NUMBER + each: numbers, at.WAIT + each: program.wait[numbers]}
        columns[at.SIGNAL + each] = program.signal[numbers]
    load, execute, store = (columns[at.NUMBER + each] for each in Engine)
    columns[at.COUNT_LOAD] = program.count[load]
    columns[at.KIND_LOAD] = np.where(opcode[load] == Opcode.LOAD, at.A_LOAD, at.A_ZERO)
    job = np.where(program.signal[execute] > 0, at.A_JOB, at.NO_JOB)
    columns[at.KIND_EXECUTE] = np.where(opcode[execute] == Opcode.PASS, at.A_PASS, job)
    end = np.where(opcode[store] == Opcode.END, at.AN_END, at.A_PLACE)
    stores = (opcode[store] == Opcode.STORE) | (opcode[store] == Opcode.TURN)
    columns[at.KIND_STORE] = np.where(stores, at.A_STORE, end)
    return columns


def _loads(machine: Machine, program: Columns) -> Filled:
    loads = program.at(Opcode.LOAD)
    return {
        at.LOAD_START: program.address[loads] // machine.beat_bytes % machine.burst_beats,
        at.LOAD_BEATS: program.count[loads] * machine.vector_beats,
        at.LOAD_BANKS: (program.kind[loads] == Kind.ACTIVATIONS).astype(np.int64),
        at.LOAD_SIGNAL: program.signal[loads],
    }


def _passes(program: Columns) -> Filled:
    """Jobs of the fetcher, and passes with the tiles that they load."""
    pixels, beats, _, load, first, last = program.passes.fields
    fed, numbers = np.where(beats > 0, pixels, 0), program.at(Opcode.PASS)
    jobs = program.jobs
    job_pixels = np.zeros(len(program), np.int64)
    job_pixels[numbers] = fed
    return {
        at.JOB_PIXELS: job_pixels[jobs],
        at.JOB_SIGNAL: program.signal[jobs],
        at.JOB: np.searchsorted(jobs, numbers),
        **{at.PIXELS: pixels, at.BEAT: beats, at.IS_FIRST: first, at.IS_LAST: last, at.LOADS_TILE: load},
        at.PIXELS_BEFORE: np.concatenate([[0], np.cumsum(fed)]),
        at.ITEMS_BEFORE: np.concatenate([[0], np.cumsum(np.where(last == 1, pixels, 0))]),
    }


def _stores(machine: Machine, program: Columns) -> Filled:
    stores, hw = program.stores, machine.hw
    count, pool, each = (column[stores] for column in (program.count, program.pool, program.vectors))
    turns, lane = program.opcode[stores] == Opcode.TURN, program.kind[stores]
    items, turned = np.where(turns, 0, count * pool), turn_clocks(machine, count, lane, each)
    pool, outputs = np.where(turns, 1, pool), np.where(turns, 1, each)
    kinds, kind = different_pairs(pool, outputs)
    paces = [pace(hw, *both) for both in kinds]
    clocks = [vector_clocks(hw, own) for _, own in kinds]
    rows = [(p.steps, p.window, p.pause, last) for p, last in zip(paces, clocks, strict=True)]
    steps, window, pause, vectors = np.array(rows, np.int64).reshape(-1, 4)[kind].T
    return {
        at.STORE_ITEMS: np.concatenate([[0], np.cumsum(items)]),
        at.STORE_MEMORY: program.memory[stores],
        at.STORE_START: program.address[stores] // machine.beat_bytes % machine.burst_beats,
        at.STORE_BEATS: count * each * machine.vector_beats,
        at.STORE_SIGNAL: program.signal[stores],
        **{at.PACE_STEPS: steps, at.PACE_WINDOW: window, at.PACE_PAUSE: pause},
        at.VECTOR_CLOCKS: np.where(turns, turned, vectors),
    }


def tile_room(hw: Hardware) -> dict[int, int]:
    """Entries of the tiles that the metadata FIFO may hold."""
    written = max(2, hw.metadata_words) + 2
    room = {at.SINCE: written, at.WRITTEN_PATH: written}
    return room | {at.WRITTEN_FOUND: written * at.RESPONSE, at.ENTRY: at.RESPONSE, at.EVENT: at.EVENTS}


def tile_columns(passes: PassColumns, hw: Hardware) -> Filled:
    """Of every tile its words and its path, what each different path says, and that none was loaded yet."""
    found = tile_paths(passes.tiles, hw)
    different = list({id(path): path for path in found}.values())
    number = {id(path): place for place, path in enumerate(different)}
    lines, reads = list[list[int]](), list[int]()
    for path in different:
        lines.append(_line(path, len(reads)))
        reads += [clock for response in path.reads for clock in response]
    table = np.array(lines, np.int64).reshape(-1, at.PATH_SIZE)
    return {
        at.TILE_WORDS: passes.of_tiles([tile.word_count for tile in passes.tiles]),
        at.TILE_PATH: passes.of_tiles([number[id(path)] for path in found]),
        at.PATHS: table.ravel(),
        at.READS: reads,
        **{at.ROWS_LOADED: [NEVER] * 2, at.FIRES: [NEVER] * SLOTS_AHEAD, at.FREES: [NEVER] * RING},
    }


def _line(path: TilePath, reads: int) -> list[int]:
    """A path as `PATHS` holds it; its reads begin at `reads`."""
    line = [path.metadata_words, path.value_words, len(path.loads), len(path.fires), len(path.frees), reads]
    none = [NEVER] * at.RESPONSE
    events = [path.last_step, path.last_emit]
    for responses, most in ((path.loads, 2), (path.fires, SLOTS_AHEAD), (path.frees, RING + 1)):
        events += [*responses, *[none] * (most - len(responses))]
    events += [none] * (at.EVENTS - len(events))
    return line + [clock for found in zip(*events, strict=True) for clock in found]
