"""Bytes to columns: as many values of the stream as a slot needs, each to its column."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch import ports
from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import Hardware

from .slots import SlotOp


@dataclass(slots=True)
class Write:
    """A slot of every column with its value, as unsigned bits: 0 where the slot has none; `final`: a tile's last."""

    enable: bool
    row: int
    slot: int
    values: list[int]
    index: list[int]
    final: bool = False


class Aligner:
    """Twin of the aligner. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        write_o: the output register; without `enable`, what else is in it means nothing.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._width = hw.array.cols
        self.reset()

    def reset(self) -> None:
        """All registers."""
        zeros = [0] * self._width
        self._halves, self._last = [zeros, zeros], [False, False]
        self._read_half = self._read = self._write_half = self._held = 0
        self._ended = False
        self._op: SlotOp | None = None
        self._nothing = Write(False, 0, 0, zeros, zeros)
        self._stage = self.write_o = self._nothing

    def evaluate(self, slots: SlotOp | None, bank_ok_i: bool, halt_i: bool) -> None:
        """Wires: `slots_ready`, `done_o`, `words_ready`, `fires` and `error_o`, with the slot on the stream."""
        self._offered = slots
        self.fires = self.done_o = False
        self.error_o = CoreError.NONE
        self._used = 0
        if self._op is not None and not halt_i:
            self._slot(self._op, bank_ok_i)
        self.slots_ready = (self._op is None and not halt_i) or self.fires
        self._left = self._held - self._used
        self.words_ready = self._left <= self._width and not halt_i

    def _slot(self, op: SlotOp, bank_ok: bool) -> None:
        width, read, half = self._width, self._read, self._read_half
        position = read + op.count
        cross = position > width
        if op.count and (self._ended or (cross and self._held != 0 and self._last[half])):
            self.error_o = CoreError.TRUNCATED_TILE
            return
        if not bank_ok or self._held < op.count:
            return
        self.fires = True
        self._next = (position - width, 1 - half) if position >= width else (position, half)
        self._used = op.count
        self._next_ended = self._last[half] if position == width else self._ended
        if not op.final:
            return
        self.done_o = True
        unread = op.count == 0 and read == 0
        complete = self._ended if unread else self._last[1 - half if cross else half]
        if not complete:
            self.error_o = CoreError.OVERLONG_TILE
        self._next_ended = False
        if unread:
            self._used, self._next = 0, (0, half)
        elif cross:
            self._used, self._next = 2 * width - read, (0, half)
        else:
            self._used, self._next = width - read, (0, 1 - half)

    def update(self, words: int | None) -> None:
        """End of a clock with a word of values on the stream."""
        word = words if self.words_ready else None
        self.write_o = self._stage
        self._stage = self._nothing
        if self.fires and self._op is not None:
            self._stage = self._filled(self._op)
            self._read, self._read_half = self._next
            self._ended = self._next_ended
        if self.slots_ready:
            self._op = self._offered
        self._held = self._left
        if word is not None:
            half = self._write_half
            self._halves[half] = ports.unpack_array(word, self._width, self._hw.numbers.weight_bits)
            self._last[half] = bool(word >> self._hw.word_bits)
            self._write_half = 1 - half
            self._held += self._width

    def _filled(self, op: SlotOp) -> Write:
        """The slot with its values, which begin at the present place of the buffer."""
        read, half = self._read, self._read_half
        window = self._halves[half][read:] + self._halves[1 - half][:read]
        values = [window[rank] if used else 0 for used, rank in zip(op.mask, op.rank, strict=True)]
        return Write(True, op.row, op.slot, values, op.index, op.final)
