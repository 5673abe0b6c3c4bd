"""The two arrays of a program before it begins: its columns, and room for all clocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import FETCH_CHUNK, core_latency
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.instruction import INSTRUCTION_BYTES

from ..load_timing import NEVER, SLOTS_AHEAD
from ..machine_run import MachineRun
from ..store_clocks import pace, vector_clocks
from ..tile_paths import RING, TilePath
from . import places as at

#: A column by the sequence that it is.
Columns = dict[int, Sequence[int] | Int64Array]
LOAD, EXECUTE, STORE = Engine


def filled(run: MachineRun) -> tuple[Int64Array, Int64Array]:
    """The arrays of a run that has not begun, as `places.py` says."""
    columns = {**_queues(run), **_loads(run), **_passes(run), **_stores(run), **_paths(run)}
    columns[at.ARRIVALS] = [-1] * run.program.machine.hw.memory.outstanding
    columns |= {at.ROWS_LOADED: [NEVER] * 2, at.FIRES: [NEVER] * SLOTS_AHEAD, at.FREES: [NEVER] * RING}
    room = _room(run, columns)
    sizes = [max(room.get(each, 0), len(columns.get(each, ()))) for each in range(at.SEQUENCES)]
    s = np.zeros(at.VALUES, np.int64)
    s[at.SEQUENCES : 2 * at.SEQUENCES + 1] = list(accumulate(sizes, initial=0))
    m = np.zeros(sum(sizes), np.int64)
    for sequence, column in columns.items():
        first = s[at.SEQUENCES + sequence]
        s[sequence] = len(column)
        m[first : first + len(column)] = column
    s[at.BANK_FREE] = s[at.LAST_EMIT] = s[at.LAST_STEP] = NEVER
    s[at.END] = -1
    for value, number in _sizes(run).items():
        s[value] = number
    return s, m


def _sizes(run: MachineRun) -> dict[int, int]:
    """Single values of the hardware and the program."""
    machine, hw = run.program.machine, run.program.machine.hw
    return {
        at.ADDRESS: run.program.address,
        at.BEAT_BYTES: machine.beat_bytes,
        at.VECTOR: machine.vector,
        at.VECTOR_BEATS: machine.vector_beats,
        at.LONGEST: machine.burst_beats,
        at.LATENCY: hw.memory.latency_clocks,
        at.OUTSTANDING: hw.memory.outstanding,
        at.DUPLEX: int(machine.duplex),
        at.CREDITS: hw.result_depth,
        at.PACE_LATENCY: core_latency(hw),
        at.IS_DENSE: int(hw.is_dense),
        at.METADATA_DEPTH: max(2, hw.metadata_words),
    }


def _room(run: MachineRun, columns: Columns) -> dict[int, int]:
    """Entries that each sequence of clocks may get."""
    loads, jobs, passes = (len(columns[each]) for each in (at.LOAD_BEATS, at.JOB_PIXELS, at.PIXELS))
    stores, memory = len(columns[at.STORE_MEMORY]), int(np.sum(columns[at.STORE_MEMORY]))
    count, items = len(run.program.instructions), run.core.items[-1]
    chunks, bursts = -(-count // FETCH_CHUNK), _bursts(run, columns)
    room = {at.FETCHED: count, at.DISPATCHED: count, at.ASKED: chunks, at.CLOSED: items, at.TAKEN: items}
    room |= dict.fromkeys((at.LOAD_ACCEPTED, at.LOAD_FINAL, at.LOAD_ENDED), loads)
    room |= dict.fromkeys((at.JOB_PUSHED, at.JOB_POPPED, at.JOB_STARTED), jobs)
    room |= dict.fromkeys((at.QUEUED, at.PASS_TAKEN, at.WAITING, at.FIRST, at.FREE), passes)
    room |= dict.fromkeys((at.STORE_BEGUN, at.STORE_FILLED, at.STORE_POPPED), stores) | {at.STORE_DONE: memory}
    room |= dict.fromkeys((at.ACCEPTED, at.FINALS), loads + chunks)
    room |= dict.fromkeys((at.ARRIVALS, at.BURST_FIRSTS, at.BURST_BEATS, at.BEATS_BEFORE), bursts)
    written = max(2, run.program.machine.hw.metadata_words) + 2
    room |= {at.SINCE: written, at.WRITTEN_PATH: written}
    room |= {at.WRITTEN_FOUND: written * at.RESPONSE, at.ENTRY: at.RESPONSE}
    for engine in Engine:
        queue = run.program.queues[engine]
        room |= {at.LEFT + engine: len(queue), at.BEGUN + engine: len(queue)}
        signal, wait = (np.asarray(columns[each + engine], np.int64) for each in (at.SIGNAL, at.WAIT))
        for other in Engine:
            room[at.TOKENS + at.ENGINES * engine + other] = int((signal >> other & 1).sum())
            room[at.TOKENS_TAKEN + at.ENGINES * other + engine] = int((wait >> other & 1).sum())
    return room


def _bursts(run: MachineRun, columns: Columns) -> int:
    """Bursts that are read at most, and as many places as there may be on their way."""
    machine, chunks = run.program.machine, -(-len(run.program.instructions) // FETCH_CHUNK)
    beats = np.asarray(columns[at.LOAD_BEATS], np.int64) + columns[at.LOAD_START]
    fetched = -(-FETCH_CHUNK * INSTRUCTION_BYTES // machine.beat_bytes) + machine.vector_beats
    longest = machine.burst_beats
    return int((-(-beats // longest)).sum()) + chunks * (fetched // longest + 2) + machine.hw.memory.outstanding


def _queues(run: MachineRun) -> Columns:
    """All instructions, and each engine's."""
    columns: Columns = {at.ENGINE: [int(e) for e in run.program.engines], at.PLACE: run.program.places}
    for engine, queue in run.program.queues.items():
        columns[at.NUMBER + engine] = [number for number, _ in queue]
        columns[at.WAIT + engine] = [_bits(instruction.wait) for _, instruction in queue]
        columns[at.SIGNAL + engine] = [_bits(instruction.signal) for _, instruction in queue]
    load, execute, store = (run.program.queues[engine] for engine in Engine)
    columns[at.COUNT_LOAD] = [i.count if isinstance(i, isa.Zero) else 0 for _, i in load]
    columns[at.KIND_LOAD] = [at.A_LOAD if isinstance(i, isa.Load) else at.A_ZERO for _, i in load]
    columns[at.KIND_EXECUTE] = [
        at.A_PASS if isinstance(i, isa.Pass) else at.A_JOB if i.signal else at.NO_JOB for _, i in execute
    ]
    kinds = {isa.Store: at.A_STORE, isa.End: at.AN_END}
    columns[at.KIND_STORE] = [kinds.get(type(i), at.A_PLACE) for _, i in store]
    return columns


def _loads(run: MachineRun) -> Columns:
    machine = run.program.machine
    loads = [i for _, i in run.program.queues[LOAD] if isinstance(i, isa.Load)]
    return {
        at.LOAD_START: [i.source // machine.beat_bytes % machine.burst_beats for i in loads],
        at.LOAD_BEATS: [i.count * machine.vector_beats for i in loads],
        at.LOAD_BANKS: [int(i.kind == Kind.ACTIVATIONS) for i in loads],
        at.LOAD_SIGNAL: [_bits(i.signal) for i in loads],
    }


def _passes(run: MachineRun) -> Columns:
    """Jobs of the fetcher, and passes with the tiles that they load."""
    commands = run.program.commands
    jobs = [i for _, i in run.program.queues[EXECUTE] if isinstance(i, isa.Pass) or i.signal]
    fields = [(c.pixels, c.beat, c.first, c.last, c.load) for c in commands]
    pixels, beats, first, last, load = np.array(fields, np.int64).reshape(-1, 5).T
    return {
        at.JOB_PIXELS: [i.command.pixels if isinstance(i, isa.Pass) and i.command.beat else 0 for i in jobs],
        at.JOB_SIGNAL: [_bits(i.signal) for i in jobs],
        at.JOB: [job for job, i in enumerate(jobs) if isinstance(i, isa.Pass)],
        **{at.PIXELS: pixels, at.BEAT: beats, at.IS_FIRST: first, at.IS_LAST: last, at.LOADS_TILE: load},
        at.PIXELS_BEFORE: np.concatenate([[0], np.cumsum(np.where(beats > 0, pixels, 0))]),
        at.ITEMS_BEFORE: run.core.items,
        at.TILE_WORDS: [tile.word_count for tile in run.program.tiles],
    }


def _stores(run: MachineRun) -> Columns:
    machine, hw = run.program.machine, run.program.machine.hw
    stores = [i for _, i in run.program.queues[STORE] if isinstance(i, isa.Store)]
    known = {key: pace(hw, key[0], raw=key[1]) for key in {(i.pool, bool(i.raw)) for i in stores}}
    paces = [known[i.pool, bool(i.raw)] for i in stores]
    return {
        at.STORE_ITEMS: run.store.items,
        at.STORE_MEMORY: [int(i.memory) for i in stores],
        at.STORE_START: [i.address // machine.beat_bytes % machine.burst_beats for i in stores],
        at.STORE_BEATS: [i.count * (4 if i.raw else 1) * machine.vector_beats for i in stores],
        at.STORE_SIGNAL: [_bits(i.signal) for i in stores],
        at.PACE_STEPS: [each.steps for each in paces],
        at.PACE_WINDOW: [each.window for each in paces],
        at.PACE_PAUSE: [each.pause for each in paces],
        at.VECTOR_CLOCKS: [vector_clocks(i, hw) for i in stores],
    }


def _paths(run: MachineRun) -> Columns:
    """The path of every tile, and what each different one says."""
    distinct = list({id(path): path for path in run.core.paths}.values())
    number = {id(path): place for place, path in enumerate(distinct)}
    lines, reads = list[list[int]](), list[int]()
    for path in distinct:
        lines.append(_line(path, len(reads)))
        reads += [clock for response in path.reads for clock in response]
    table = np.array(lines, np.int64).reshape(-1, at.PATH_SIZE)
    return {at.TILE_PATH: [number[id(path)] for path in run.core.paths], at.PATHS: table.ravel(), at.READS: reads}


def _line(path: TilePath, reads: int) -> list[int]:
    """A path as `PATHS` holds it; its reads begin at `reads`."""
    line = [path.metadata_words, path.value_words, len(path.loads), len(path.fires), len(path.frees), reads]
    single = [([path.last_step], 1), ([path.last_emit], 1)]
    for responses, most in (*single, (path.loads, 2), (path.fires, SLOTS_AHEAD), (path.frees, RING + 1)):
        line += [clock for response in responses for clock in response]
        line += [NEVER] * ((most - len(responses)) * at.RESPONSE)
    return line


@cache
def _bits(engines: tuple[Engine, ...]) -> int:
    """A bit for each engine."""
    return sum(1 << engine for engine in engines)
