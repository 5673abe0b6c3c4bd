"""Rows of groups to one slot per column and clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from skipbeat_arch.command import CoreError, Encoding
from skipbeat_arch.hardware import Hardware

from .dispatcher import Tile
from .fifo import Fifo


@dataclass(slots=True)
class SlotOp:
    """One slot of every column: which have a value, its rank in the value stream and its position."""

    mask: list[int]
    count: int
    rank: list[int]
    index: list[int]
    row: int
    slot: int
    final: bool


class Slots:
    """Twin of the slot stage. `evaluate` sets the wires of the clock, `update` ends it.

    `error_o` and the output stream, `slots_valid` and `slots`, are registers. The memory of steps has no reset.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._lanes, self._cols = hw.weights.decode_lanes, hw.array.cols
        self._steps_per_row = self._cols // self._lanes
        self._index_mask = hw.array.group - 1
        self._fill = [[0] * self._cols, [0] * self._cols]
        self._dealt: Fifo[SlotOp] = Fifo(2)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        zeros = [0] * self._cols
        self._meta, self._previous = zeros, zeros
        self.row_active = self.slots_valid = self.tile_open = False
        self._whole = self._place = self._write_row = self._read_row = self._row = self._slot = 0
        self._dealt.reset()
        self._cur = Tile(0, 0, 0, 0, 0)
        self.slots = no_op(self._cols)
        self.error_o = self._found = CoreError.NONE

    def evaluate(self, tiles: Tile | None, slots_ready: bool) -> None:
        """Wires: `tiles_ready`, `steps_ready` and `row_loaded_o`; and the slot that is emitted, if any."""
        tile = tiles
        self._emit = self.row_active and self._dealt.ready
        self._move = not self.slots_valid or slots_ready
        cur = self._cur
        self._row_end = self._emit and self._slot == cur.beat - 1
        self._tile_end = self._row_end and self._row == cur.rows - 1
        same = self.tile_open and not self._tile_end
        source = cur if same else tile
        load = (not self.row_active or self._row_end) and source is not None
        dense = source is not None and source.encoding == Encoding.DENSE
        self._load = load and (dense or self._whole != 0)
        self._same, self._tile = same, tile
        self.tiles_ready = self._load and not same
        self.row_loaded_o = self._load and not dense
        self.steps_ready = self._whole != 2
        self._found = CoreError.NONE
        if self._emit:
            self._make()

    def _make(self) -> None:
        """The slot that leaves in this clock, and whether the metadata contradicts itself."""
        tile, slot, cols = self._cur, self._slot, self._cur.cols
        below = [c < cols for c in range(self._cols)]
        rest = self._meta
        if tile.encoding == Encoding.BITMAP:
            mask = [int(m != 0) for m in self._meta]
            index = [(m & -m).bit_length() - 1 if m else 0 for m in self._meta]
            rest = [m & (m - 1) if m else 0 for m in self._meta]
            if (slot == 0 and any(mask[cols:])) or (slot == tile.beat - 1 and any(rest)):
                self._found = CoreError.TOO_MANY_NONZEROS
        else:
            mask = [int(b) for b in below]
            index = [slot] * self._cols
            if tile.encoding == Encoding.COORDINATE:
                index = [m & self._index_mask for m in self._meta]
                rest = [m >> self._hw.index_bits for m in self._meta]
                falling = any(index[c] <= self._previous[c] for c in range(min(cols, self._cols)))
                if slot != 0 and falling:
                    self._found = CoreError.COORDINATES_NOT_ASCENDING
        self._next_meta = rest
        ranks = [0, *accumulate(mask)]
        self._next_op = SlotOp(mask, ranks[-1], ranks[:-1], index, self._row, slot, self._tile_end)

    @property
    def moves(self) -> bool:
        """A register changes at the end of the clock, even if no step is transferred."""
        return self._emit or self._load or (self._move and bool(self._dealt.items))

    def update(self, steps: list[int] | None) -> None:
        """End of a clock with the metadata of L groups on the stream."""
        step = steps if self.steps_ready else None
        self.error_o = self._found
        front = self._dealt.front if self._move else None
        if self._move:
            self.slots_valid = front is not None
            self.slots = front or self.slots
        self._dealt.update(front is not None, self._next_op if self._emit else None)
        if self._emit:
            self._previous = self._next_op.index
        if self._load:
            self._start_row()
        elif self._row_end:
            self.row_active = False
            if self._tile_end:
                self.tile_open = False
        elif self._emit:
            self._slot += 1
            self._meta = self._next_meta
        if self.row_loaded_o:
            self._whole -= 1
            self._read_row ^= 1
        if step is not None:
            self._add_step(step)

    def _start_row(self) -> None:
        self.row_active, self._slot = True, 0
        self._row = self._row + 1 if self._same else 0
        self._meta = self._fill[self._read_row].copy()
        if not self._same and self._tile:
            self._cur, self.tile_open = self._tile, True

    def _add_step(self, step: list[int]) -> None:
        start = self._place * self._lanes
        self._fill[self._write_row][start : start + self._lanes] = step
        self._place += 1
        if self._place == self._steps_per_row:
            self._place = 0
            self._write_row ^= 1
            self._whole += 1


def no_op(cols: int) -> SlotOp:
    """The output register after reset."""
    zeros = [0] * cols
    return SlotOp(zeros, 0, zeros, zeros, 0, 0, False)
