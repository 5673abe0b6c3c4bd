"""The exact timing model of the core under ideal ports: recurrences over tiles and passes.

Ideal ports: commands, weights and activations are always offered and results are always taken. Then every clock
of the core is a maximum of earlier clocks plus constants, and the run is the longest path through them.
`docs/timing.md` shows which of these paths can be the longest one. Per pass n:

    queued = max(queued of n-1 + 1, take of n-4 + 1)
    free   = take of n-1 + pixels · b of n-1
    take   = max(queued + 1, free, full (if it loads), `_settled` (if not `first`))

and per tile k, loaded by a pass:

    start     = max(queued + 2, last word of k-1)                      its words may flow from the next clock on
    metadata  = max(start + words, room for the last of them in the metadata FIFO)        its last metadata word
    read      = max(start + 1, last step of the tile decoded before) + 1        its first metadata word can be read
    last word = max(metadata + words, the clocks after fires that free places of the ring)
    full      = last fire + 1

With M = 1 there is only `last word = max(start + 1, bank) + words - 1`, and the bank is full in the clock after it.

`load_timing` gives the clocks inside the tile: reads of its metadata, last step, last load, last fires.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from typing import NamedTuple

from skipbeat_arch.command import Command, CoreError, command_error
from skipbeat_arch.depths import CORE_QUEUE, SETTLE, core_latency
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Clocks, CoreTiming, Events

from .event_counts import event_counts
from .load_timing import NEVER, SLOTS_AHEAD, Response
from .state import Part
from .tile_paths import RING, TilePath, tile_paths

#: Pixels of a pass that the next one may have to wait for; those after them are written by the time it reads them.
SETTLING = SETTLE - 1

#: Clocks in which a tile finds what its own depend on: see `load_timing.ENTRIES`.
Entries = tuple[int, ...]


def core_timing(commands: Sequence[Command], tiles: Sequence[TileStatistics], hw: Hardware) -> CoreTiming:
    """Cycles, their causes and the events of a program under ideal ports; exact, without running it.

    Clocks before the first step and after the last are `fill_drain`. A clock between them without a step is
    `tile_wait` while the next pass's tile is not loaded, else `hazard`. A program without commands takes 0 cycles.

    Args:
        commands: the program.
        tiles: the tiles of the commands with `load`, in order. Only their statistics are read.
        hw: the hardware.

    Raises:
        InputError: a command or tile that the core would answer with an error, tiles that are not the commands',
            or a last command without `last` (the run then has no last result).
    """
    clocks = _core_clocks(commands, tiles, hw)
    events = event_counts(commands, tiles, hw) if commands else Events()
    return CoreTiming(cycles=clocks.cycles, clocks=clocks, events=events)


def core_cycles(commands: Sequence[Command], tiles: Sequence[TileStatistics], hw: Hardware) -> int:
    """The cycles of `core_timing` alone."""
    return _core_clocks(commands, tiles, hw).cycles


def _core_clocks(commands: Sequence[Command], tiles: Sequence[TileStatistics], hw: Hardware) -> Clocks:
    _check_program(commands, tiles, hw)
    return _run_passes(commands, tile_paths(tiles, hw), hw) if commands else Clocks()


def _run_passes(commands: Sequence[Command], paths: list[TilePath], hw: Hardware) -> Clocks:
    """Step through the passes: when each is queued and taken, and what it waited for."""
    loader = TileLoader(hw)
    takes: list[int] = []
    compute = tile_wait = hazard = loads = free = 0
    queued, bank_free = -1, NEVER
    for n, command in enumerate(commands):
        queued = max(queued, takes[n - CORE_QUEUE] if n >= CORE_QUEUE else NEVER) + 1
        take, full = max(queued + 1, free), 0
        if command.load:
            full = loader.load(paths[loads], queued, bank_free, described=queued + 2)
            loads += 1
            take = max(take, full)
        if n:
            if not command.first:
                take = max(take, _settled(commands[n - 1], takes[-1], command))
            waited = min(max(full - free, 0), take - free)
            tile_wait += waited
            hazard += take - free - waited
        takes.append(take)
        if loads > 1 and command.load:
            bank_free = take + 1
        steps = command.pixels * max(command.beat, 1)
        free = take + steps
        compute += steps
    drain = core_latency(hw)
    return Clocks(compute=compute, tile_wait=tile_wait, hazard=hazard, fill_drain=takes[0] + 1 + drain)


def _settled(before: Command, taken: int, command: Command) -> int:
    """The first clock in which a pass that reads the accumulators may be taken after the pass `before` it."""
    beat = max(before.beat, 1)
    closes = [taken + beat * (pixel + 1) for pixel in range(min(before.pixels, SETTLING))]
    return settled(closes, command)


def settled(closes: Sequence[int], command: Command) -> int:
    """The same, from the last steps of the first `SETTLING` pixels of the pass before it, or of all of them.

    An entry is read `SETTLE` clocks after its last write's step or later, pixel p 1 + p · beat clocks after the take.
    """
    beat = max(command.beat, 1)
    return max(close + SETTLE - 1 - pixel * beat for pixel, close in enumerate(closes))


class _Entered(NamedTuple):
    """What a tile leaves to those after it, all clocks relative to the last word of the tile.

    Attributes:
        last_emit: of the tile; last_step: of the last one with metadata.
        loads, fires, frees: the last rows of tiles with metadata, slots, and value words that were used up, the last
            one last.
        written: the last tiles with metadata whose words may still be in the FIFO: words written since the first one of
            each, its path, and the clocks that it found.
    """

    last_emit: int
    last_step: int
    loads: Entries
    fires: Entries
    frees: Entries
    written: tuple[tuple[int, TilePath, Entries], ...]


class TileLoader(Part):
    """The recurrence over tiles: from the command's place in the queue to the full bank.

    With a weight reader in front, `queued` is the clock in which that reader begins with the tile. What follows from an
    equal tile in an equal state is looked up.

    Attributes:
        last_word: of the last tile. entered: the number of the state that it left, and the state.
    """

    CLOCKS = ("last_word",)
    VALUES = ("entered",)

    def __init__(self, hw: Hardware) -> None:
        self._is_dense = hw.is_dense
        self._depth = max(2, hw.metadata_words)
        never = _Entered(NEVER, NEVER, (NEVER,) * 2, (NEVER,) * SLOTS_AHEAD, (NEVER,) * RING, ())
        self.last_word, self.entered = 0, 0
        self._states = [never]
        self._numbers = {never: 0}
        self._known: dict[tuple[TilePath, int, int, int, int], tuple[int, int, int]] = {}

    def load(self, path: TilePath, queued: int, bank_free: int, described: int = NEVER) -> int:
        """Follow one tile; returns the first clock in which its bank is full.

        Args:
            path: the tile.
            queued: clock in which its command was accepted.
            bank_free: first clock in which its bank is free.
            described: first clock in which its descriptor is at the slots, if its words may be there before that.
        """
        base = self.last_word
        start, bank = max(queued + 2 - base, 0), max(bank_free - base, NEVER)
        if self._is_dense:
            self.last_word = base + max(start + 1, bank) + path.value_words - 1
            return self.last_word + 1
        key = path, self.entered, start, bank, described - base if described >= base else NEVER
        if key not in self._known:
            self._known[key] = self._follow(*key)
        self.entered, words, full = self._known[key]
        self.last_word = base + words
        return base + full

    def _follow(self, path: TilePath, entered: int, start: int, bank: int, row: int) -> tuple[int, int, int]:
        """The number of the state that a tile leaves, its last word, and when its bank is full.

        Clocks are relative to the last word of the tile before it; `row`: when a dense tile can enter the slot stage.
        """
        before = self._states[entered]
        words, last_step, loads, written = path.metadata_words, before.last_step, before.loads, before.written
        metadata = max(start + words, _room(written, words, self._depth))
        read = max(start + 1, last_step) + 1 if words else row
        entries = (read, *loads, before.last_emit, *before.fires, bank, metadata + 3)
        if words:
            written = _write(written, path, entries, self._depth)
            last_step = _clock(path.last_step, entries)
            loads = _later(loads, path.loads, entries)
        last_word, frees = _end_words(path, before.frees, metadata, entries)
        fires = _later(before.fires, path.fires, entries)
        left = _Entered(
            last_emit=_earlier(_clock(path.last_emit, entries), last_word),
            last_step=_earlier(last_step, last_word),
            loads=_all_earlier(loads, last_word),
            fires=_all_earlier(fires, last_word),
            frees=_all_earlier(frees, last_word),
            written=tuple((since, each, _all_earlier(found, last_word)) for since, each, found in written),
        )
        number = self._numbers.setdefault(left, len(self._states))
        if number == len(self._states):
            self._states.append(left)
        return number, last_word, fires[-1] + 1


def _end_words(path: TilePath, frees: Entries, metadata: int, entries: Entries) -> tuple[int, Entries]:
    """When the tile's last word enters the queue, and the last ones are used up; its metadata end in `metadata`.

    Word n of the stream enters the queue a clock after word n - `RING` was used up, at the earliest.
    """
    words = path.value_words
    own = [_clock(response, entries) for response in path.frees]
    waits = [freed + words - place for place, freed in enumerate(frees) if place < words]
    if words > RING:
        waits.append(own.pop(0) + 1)
    return max(metadata + words, *waits), (*frees, *own)[-RING:]


def _room(written: Sequence[tuple[int, TilePath, Entries]], words: int, depth: int) -> int:
    """The first clock in which the metadata FIFO has room for the last of the next `words` words.

    A word enters it after the word `depth` places before it was read.
    """
    if words:
        for since, path, entries in written:
            number = since + words - 1 - depth
            if 0 <= number < path.metadata_words:
                return _clock(path.reads[number], entries) + 1
    return NEVER


def _write(
    written: Sequence[tuple[int, TilePath, Entries]], path: TilePath, entries: Entries, depth: int
) -> tuple[tuple[int, TilePath, Entries], ...]:
    """A tile's metadata words enter; tiles before it whose words nobody will wait for any more are forgotten."""
    words = path.metadata_words
    older = [(since + words, other, found) for since, other, found in written]
    return (*(each for each in older if each[0] - each[1].metadata_words < depth), (words, path, entries))


def _earlier(clock: int, by: int) -> int:
    """A clock relative to another one; before any clock it stays."""
    return clock - by if clock > NEVER // 2 else NEVER


def _all_earlier(clocks: Entries, by: int) -> Entries:
    return tuple([clock - by if clock > NEVER // 2 else NEVER for clock in clocks])


def _clock(response: Response, entries: Entries) -> int:
    """The clock of an event: the latest of the paths to it."""
    clocks: list[int] = list(map(add, response, entries))
    return max(clocks)


def _later(before: Entries, responses: list[Response], entries: Entries) -> Entries:
    """The last clocks of a kind of event, as many as `before`, once a tile's have come."""
    return (*before, *[_clock(response, entries) for response in responses])[-len(before) :]


def _check_program(commands: Sequence[Command], tiles: Sequence[TileStatistics], hw: Hardware) -> None:
    check_passes(commands, tiles, hw)
    if commands and not commands[-1].last:
        raise InputError("program: its last command must be `last`, or the run has no last result")


def check_passes(commands: Sequence[Command], tiles: Sequence[TileStatistics], hw: Hardware) -> None:
    """Refuse what the core would answer with an error.

    Raises:
        InputError: a command that the core refuses, tiles that are not the commands', or a tile used again that is
            not resident.
    """
    loads = [command for command in commands if command.load]
    if len(loads) != len(tiles):
        raise InputError(f"program: {len(loads)} commands load a tile, but there are {len(tiles)} tiles")
    for command in {id(command): command for command in commands}.values():
        error = command_error(command, hw)
        if error != CoreError.NONE:
            raise InputError(f"program: the core answers {command} with {error.name}")
    for command, tile in zip(loads, tiles, strict=True):
        wanted = (command.encoding, command.beat, command.rows, command.cols)
        if wanted != (tile.encoding, tile.beat, tile.rows, tile.cols):
            raise InputError(f"program: {command} does not describe the tile that it loads")
    resident: Command | None = None
    for command in commands:
        if command.load:
            resident = command
        elif command.beat and (resident is None or (command.beat, command.rows) != (resident.beat, resident.rows)):
            raise InputError(f"program: {command} uses a tile again that is not resident")
