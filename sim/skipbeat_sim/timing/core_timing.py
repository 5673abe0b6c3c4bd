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

`load_timing` gives the clocks inside the tile: the reads of its metadata, its last
step and load, the fires that use up its last words, its last fire.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add

from skipbeat_arch.command import Command, CoreError, command_error
from skipbeat_arch.depths import CORE_QUEUE, SETTLE, core_latency
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Clocks, CoreTiming, Events

from .event_counts import event_counts
from .load_timing import ENTRIES, NEVER, SLOTS_AHEAD, Response
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
            full = loader.load(paths[loads], queued, bank_free)
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

    An entry is read `SETTLE` clocks after the last step that wrote it, at the earliest, and pixel p of a pass
    1 + p · beat clocks after it is taken.
    """
    beat = max(command.beat, 1)
    return max(close + SETTLE - 1 - pixel * beat for pixel, close in enumerate(closes))


class TileLoader(Part):
    """The recurrence over tiles: from the command's place in the queue to the full bank.

    With a weight reader in front, `queued` is the clock in which that reader begins with the tile.

    Attributes:
        last_word, last_emit: of the last tile; last_step: of the last one with metadata.
        row_loads, fires, frees: the last rows of tiles with metadata, slots, and value words that were used up, the
            last one last.
        written: the last tiles with metadata whose words may still be in the FIFO: words written since the first one of
            each, and its path; entered: the clocks that each found.
    """

    CLOCKS = ("last_word", "last_emit", "last_step")
    ROWS = ("row_loads", "fires", "frees", "entered")
    VALUES = ("written",)

    def __init__(self, hw: Hardware) -> None:
        self._is_dense = hw.is_dense
        self._depth = max(2, hw.metadata_words)
        self.last_word = self.last_emit = self.last_step = NEVER
        self.row_loads, self.fires, self.frees = (NEVER,) * 2, (NEVER,) * SLOTS_AHEAD, (NEVER,) * RING
        self.written: tuple[tuple[int, TilePath], ...] = ()
        self.entered: Entries = ()

    def load(self, path: TilePath, queued: int, bank_free: int) -> int:
        """Follow one tile; returns the first clock in which its bank is full.

        Args:
            path: the tile.
            queued: clock in which its command was accepted.
            bank_free: first clock in which its bank is free.
        """
        start = max(queued + 2, self.last_word)
        if self._is_dense:
            self.last_word = max(start + 1, bank_free) + path.value_words - 1
            return self.last_word + 1
        words = path.metadata_words
        metadata = max(start + words, self._room(words))
        read = max(start + 1, self.last_step) + 1 if words else NEVER
        entries = (read, *self.row_loads, self.last_emit, *self.fires, bank_free, metadata + 3)
        if words:
            self._write(path, entries)
            self.last_step = _clock(path.last_step, entries)
            self.row_loads = _later(self.row_loads, path.loads, entries)
        self._end_words(path, metadata, entries)
        self.last_emit = _clock(path.last_emit, entries)
        self.fires = _later(self.fires, path.fires, entries)
        return self.fires[-1] + 1

    def ahead(self) -> list[list[int]]:
        """Nothing but its attributes."""
        return []

    def _end_words(self, path: TilePath, metadata: int, entries: Entries) -> None:
        """When the tile's last word enters the queue, and its last ones are used up; its metadata end in `metadata`.

        Word n of the stream enters the queue a clock after word n - `RING` was used up, at the earliest.
        """
        words = path.value_words
        own = [_clock(response, entries) for response in path.frees]
        waits = [freed + words - place for place, freed in enumerate(self.frees) if place < words]
        if words > RING:
            waits.append(own.pop(0) + 1)
        self.last_word = max(metadata + words, *waits)
        self.frees = (*self.frees, *own)[-RING:]

    def _room(self, words: int) -> int:
        """The first clock in which the metadata FIFO has room for the last of the next `words` words.

        A word enters it after the word `depth` places before it was read.
        """
        if not words:
            return NEVER
        for place, (since, path) in enumerate(self.written):
            number = since + words - 1 - self._depth
            if 0 <= number < path.metadata_words:
                entries = self.entered[place * len(ENTRIES) : (place + 1) * len(ENTRIES)]
                return _clock(path.reads[number], entries) + 1
        return NEVER

    def _write(self, path: TilePath, entries: Entries) -> None:
        """A tile's metadata words enter; those of tiles before it that nobody will wait for any more are forgotten."""
        words = path.metadata_words
        older = [(since + words, other) for since, other in self.written]
        keep = sum(since - other.metadata_words < self._depth for since, other in older)
        self.written = (*older[len(older) - keep :], (words, path))
        self.entered = (*self.entered[len(self.entered) - keep * len(ENTRIES) :], *entries)


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
    for command in set(commands):
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
