"""Rows of groups to one slot per column and clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate

from skipbeat_arch import ports
from skipbeat_arch.command import CoreError, Encoding
from skipbeat_arch.hardware import Hardware

from .dispatcher import Tile


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

    The output stream is the registers `op_valid` and `op`.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._lanes, self._cols = hw.weights.decode_lanes, hw.array.cols
        self._steps_per_row = self._cols // self._lanes
        self._index_mask = hw.array.group - 1
        self.reset()

    def reset(self) -> None:
        """All registers."""
        zeros = [0] * self._cols
        self._fill, self._meta, self._previous = zeros.copy(), zeros, zeros
        self.row_active = self.op_valid = self.tile_open = False
        self._filled = self._row = self._slot = 0
        self._cur = Tile(0, 0, 0, 0)
        self.op = no_op(self._cols)

    def evaluate(self, tile: Tile | None, out_ready: bool) -> None:
        """Wires: `tiles_ready`, `steps_ready`, `load_metadata` and `error`; and the slot that is emitted, if any."""
        self._emit = self.row_active and (not self.op_valid or out_ready)
        cur = self._cur
        self._row_end = self._emit and self._slot == cur.beat - 1
        self._tile_end = self._row_end and self._row == cur.rows - 1
        same = self.tile_open and not self._tile_end
        source = cur if same else tile
        load = (not self.row_active or self._row_end) and source is not None
        dense = source is not None and source.encoding == Encoding.DENSE
        self._load = load and (dense or self._filled == self._steps_per_row)
        self._same, self._tile = same, tile
        self.tiles_ready = self._load and not same
        self.load_metadata = self._load and not dense
        self.steps_ready = self._filled != self._steps_per_row or self.load_metadata
        self._out_ready = out_ready
        self.error = CoreError.NONE
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
                self.error = CoreError.TOO_MANY_NONZEROS
        else:
            mask = [int(b) for b in below]
            index = [slot] * self._cols
            if tile.encoding == Encoding.COORDINATE:
                index = [m & self._index_mask for m in self._meta]
                rest = [m >> self._hw.index_bits for m in self._meta]
                falling = any(index[c] <= self._previous[c] for c in range(min(cols, self._cols)))
                if slot != 0 and falling:
                    self.error = CoreError.COORDINATES_NOT_ASCENDING
        self._next_meta = rest
        ranks = [0, *accumulate(mask)]
        self._next_op = SlotOp(mask, ranks[-1], ranks[:-1], index, self._row, slot, self._tile_end)

    @property
    def moves(self) -> bool:
        """A register changes at the end of the clock, even if no step is transferred."""
        return self._emit or self._load

    def update(self, step: list[int] | None) -> None:
        """End of a clock in which `step`, the metadata of L groups, was transferred, if not None."""
        if self._emit:
            self.op_valid, self.op = True, self._next_op
            self._previous = self._next_op.index
        elif self._out_ready:
            self.op_valid = False
        if self._load:
            self._start_row()
        elif self._row_end:
            self.row_active = False
            if self._tile_end:
                self.tile_open = False
        elif self._emit:
            self._slot += 1
            self._meta = self._next_meta
        if self.load_metadata:
            self._filled = 0
        if step is not None:
            start = self._filled * self._lanes
            self._fill[start : start + self._lanes] = step
            self._filled += 1

    def _start_row(self) -> None:
        self.row_active, self._slot = True, 0
        self._row = self._row + 1 if self._same else 0
        self._meta = self._fill.copy()
        if not self._same and self._tile:
            self._cur, self.tile_open = self._tile, True

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        tile = Tile(**ports.unpack(ports.tile_fields(self._hw), inputs["tiles__payload"]))
        self.evaluate(tile if inputs["tiles__valid"] else None, bool(inputs["slots__ready"]))

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; `slots__payload` is a `slot_fields` word."""
        self._evaluate(inputs)
        return {
            "tiles__ready": int(self.tiles_ready),
            "steps__ready": int(self.steps_ready),
            "slots__valid": int(self.op_valid),
            "slots__payload": ports.pack(ports.slot_fields(self._hw), asdict(self.op)),
            "error_o": int(self.error),
            "row_loaded_o": int(self.load_metadata),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `steps__payload` is [L][M], `tiles__payload` a `tile_fields` word."""
        self._evaluate(inputs)
        transfer = inputs["steps__valid"] and self.steps_ready
        step = ports.unpack_array(inputs["steps__payload"], self._lanes, self._hw.array.group)
        self.update(step if transfer else None)
        if inputs.get("rst", 0):
            self.reset()


def no_op(cols: int) -> SlotOp:
    """The output register after reset."""
    zeros = [0] * cols
    return SlotOp(zeros, 0, zeros, zeros, 0, 0, False)
