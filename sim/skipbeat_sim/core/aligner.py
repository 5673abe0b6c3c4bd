"""Bytes to columns: as many values of the stream as a slot needs, each to its column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from skipbeat_arch import ports
from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import Hardware

from .slots import SlotOp, no_op


class Write(NamedTuple):
    """A slot with the W values that its own are among, and which of them are whose."""

    enable: bool
    op: SlotOp
    window: list[int]

    def values(self) -> list[int]:
        """Value of each column, as unsigned bits; 0 where the slot has none."""
        return [self.window[rank] if used else 0 for used, rank in zip(self.op.mask, self.op.rank, strict=True)]


class Aligner:
    """Twin of the aligner. `evaluate` sets the wires of the clock, `update` ends it.

    Natively `write` is the output register: its values are worked out when somebody looks at them.
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
        self._stage = self.write = Write(False, no_op(self._width), zeros)

    def evaluate(self, op: SlotOp | None, bank_ok: bool, halt: bool) -> None:
        """Wires: `fire` (which is `slots.ready`), `done`, `words_ready` and `error`, for the slot on the stream."""
        self.fire = self.done = False
        self.error = CoreError.NONE
        self._used = 0
        if op is not None and not halt:
            self._slot(op, bank_ok)
        self._left = self._held - self._used
        self.words_ready = self._left <= self._width and not halt

    def _slot(self, op: SlotOp, bank_ok: bool) -> None:
        width, read, half = self._width, self._read, self._read_half
        position = read + op.count
        cross = position > width
        if op.count and (self._ended or (cross and self._held != 0 and self._last[half])):
            self.error = CoreError.TRUNCATED_TILE
            return
        if not bank_ok or self._held < op.count:
            return
        self.fire = True
        self._next = (position - width, 1 - half) if position >= width else (position, half)
        self._used = op.count
        self._next_ended = self._last[half] if position == width else self._ended
        if not op.final:
            return
        self.done = True
        unread = op.count == 0 and read == 0
        complete = self._ended if unread else self._last[1 - half if cross else half]
        if not complete:
            self.error = CoreError.OVERLONG_TILE
        self._next_ended = False
        if unread:
            self._used, self._next = 0, (0, half)
        elif cross:
            self._used, self._next = 2 * width - read, (0, half)
        else:
            self._used, self._next = width - read, (0, 1 - half)

    def update(self, op: SlotOp, word: int | None, last: bool) -> None:
        """End of a clock: `slots.payload`, and the word of values that was transferred, if not None."""
        self.write = self._stage
        read, half = self._read, self._read_half
        self._stage = Write(self.fire, op, self._halves[half][read:] + self._halves[1 - half][:read])
        if self.fire:
            self._read, self._read_half = self._next
            self._ended = self._next_ended
        self._held = self._left
        if word is not None:
            half = self._write_half
            self._halves[half] = ports.unpack_array(word, self._width, self._hw.numbers.weight_bits)
            self._last[half] = last
            self._write_half = 1 - half
            self._held += self._width

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; `words__payload` is a `weight_fields` word, `write_o` a `write_fields` word."""
        hw = self._hw
        self._evaluate(inputs)
        return {
            "words__ready": int(self.words_ready),
            "slots__ready": int(self.fire),
            "write_o": write_word(self.write, hw),
            "done_o": int(self.done),
            "error_o": int(self.error),
        }

    def _evaluate(self, inputs: Mapping[str, int]) -> SlotOp:
        op = _read_op(inputs["slots__payload"], self._hw)
        self.evaluate(op if inputs["slots__valid"] else None, bool(inputs["bank_ok_i"]), bool(inputs["halt_i"]))
        return op

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        op = self._evaluate(inputs)
        word, size = inputs["words__payload"], self._hw.word_bits
        transfer = inputs["words__valid"] and self.words_ready
        self.update(op, word & ((1 << size) - 1) if transfer else None, bool(word >> size))
        if inputs.get("rst", 0):
            self.reset()


def write_word(write: Write, hw: Hardware) -> int:
    """The write as the word that the port holds."""
    values = {"enable": write.enable, "row": write.op.row, "slot": write.op.slot}
    return ports.pack(ports.write_fields(hw), {**values, "values": write.values(), "index": write.op.index})


def _read_op(word: int, hw: Hardware) -> SlotOp:
    fields, cols = ports.unpack(ports.slot_fields(hw), word), hw.array.cols
    return SlotOp(
        mask=ports.unpack_array(fields["mask"], cols, 1),
        count=fields["count"],
        rank=ports.unpack_array(fields["rank"], cols, ports.rank_bits(hw)),
        index=ports.unpack_array(fields["index"], cols, hw.index_bits),
        row=fields["row"],
        slot=fields["slot"],
        final=bool(fields["final"]),
    )
