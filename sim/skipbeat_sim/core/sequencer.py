"""Beats and passes: which step the array makes in each clock, and on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import Int32Array
from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.registers import Cause

from .accumulators import Control


class Pass(NamedTuple):
    """A pass, as it waits for the sequencer."""

    pixels: int
    beat: int
    rows: int
    load: bool
    first: bool
    last: bool


class Sequencer:
    """Twin of the sequencer. `evaluate` sets the wires of the clock, `update` ends it.

    Natively the feed is `bundles` int32 [R, M], `slot_word` {slot, bank} and `control`, which is None in a clock
    without a step; `fed_rows` is the number of its rows, 0 for a null pass.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._shape = (hw.array.rows, hw.array.group)
        self._row = np.arange(hw.array.rows)
        self.bundles = np.zeros(self._shape, np.int32)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.active = self.null = self.last = False
        self._first = self._resident = self._settle = self._control_valid = False
        self.bank = 1
        self.slot = self.beat = self.rows = self.fed_rows = self.slot_word = 0
        self._pixel = self._pixels = self._resident_beat = self._resident_rows = 0
        self._credits = self._hw.result_depth
        self._row_on = np.zeros((self._shape[0], 1), np.int32)
        self.held_control = Control(False, False, False, False, 0)
        self.bundles.fill(0)

    @property
    def idle(self) -> bool:
        """`idle_o`."""
        return not self.active and self._credits == self._hw.result_depth

    @property
    def finishes(self) -> bool:
        """Once the wires are set: this clock's step is the last of its pass."""
        return self._finish

    @property
    def control(self) -> Control | None:
        """`control_o`, None while it is not valid."""
        return self.held_control if self._control_valid else None

    def evaluate(self, pass_: Pass | None, bundle_valid: bool, full: Sequence[bool], halt: bool) -> None:
        """Wires: `issue`, `close`, `bundle_ready`, `take`, `release` (bank, or None) and `error`."""
        slot = self.slot
        running = self.active and not halt
        credit = not self.last or self._credits != 0
        self.close = slot == self.beat - 1
        self.issue = running and (slot != 0 or ((self.null or bundle_valid) and credit))
        self.bundle_ready = running and not self.null and self.close and (slot != 0 or credit)
        ends = self.issue and self.close
        self._finish = ends and self._pixel == self._pixels - 1
        self._settle_now = ends and self._pixel == 0
        self.take = False
        self.release: int | None = None
        self.error = CoreError.NONE
        self._next, self._bundle_there = pass_, self.null or bundle_valid
        if pass_ is None or halt or (self.active and not self._finish):
            return
        resident = self._resident and pass_.beat == self._resident_beat and pass_.rows == self._resident_rows
        if not pass_.load and pass_.beat != 0 and not resident:
            self.error = CoreError.NO_SUCH_TILE
            return
        # A pass of one step per pixel reads the second pixel 2 clocks after a pass of two pixels closed it.
        quick = ends and self._pixel == 1 and pass_.beat <= 1
        settled = pass_.first or not (self._settle or self._settle_now or quick)
        self.take = settled and (not pass_.load or full[1 - self.bank])
        if self.take and pass_.load and self._resident:
            self.release = self.bank

    @property
    def cause(self) -> Cause:
        """What the array does in this clock; after `evaluate`."""
        if self.issue:
            return Cause.COMPUTE
        if self.active:
            return Cause.OUTPUT_WAIT if self._bundle_there else Cause.ACTIVATION_WAIT
        if self._next:
            return Cause.TILE_WAIT if self._next.load else Cause.HAZARD
        return Cause.IDLE

    def update(self, bundles: Int32Array | None, taken: bool) -> None:
        """End of a clock with `activations.payload` int32 [R, M] (None: none is offered) and `taken_i`."""
        self._settle = self._settle_now
        self._credits += taken
        self._control_valid = self.issue
        if self.issue:
            begins = self.slot == 0
            self.held_control = Control(begins, self.close, self._first, self.last, self._pixel)
            self.fed_rows = self.rows
            self._credits -= begins and self.last
            self.slot_word = self.slot + (self.bank << self._hw.index_bits)
            if bundles is None:
                self.bundles.fill(0)
            else:
                np.multiply(bundles, self._row_on, out=self.bundles)
        if self.take and self._next:
            self._start(self._next)
            return
        if self._finish:
            self.active = False
        if self.issue:
            self.slot = 0 if self.close else self.slot + 1
            self._pixel += self.close

    def _start(self, pass_: Pass) -> None:
        self.active, self._pixel, self.slot = True, 0, 0
        self.null, self.beat = pass_.beat == 0, max(pass_.beat, 1)
        self._pixels, self._first, self.last = pass_.pixels, pass_.first, pass_.last
        self.rows = 0 if self.null else pass_.rows
        self._row_on = (self._row < self.rows).astype(np.int32)[:, None]
        if pass_.load:
            self.bank = 1 - self.bank
            self._resident, self._resident_beat, self._resident_rows = True, pass_.beat, pass_.rows

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        fields = ports.unpack(ports.pass_fields(self._hw), inputs["passes__payload"])
        pass_ = Pass(
            fields["pixels"],
            fields["beat"],
            fields["rows"],
            bool(fields["load"]),
            bool(fields["first"]),
            bool(fields["last"]),
        )
        full = [bool(inputs["full_i"] & 1), bool(inputs["full_i"] & 2)]
        self.evaluate(
            pass_ if inputs["passes__valid"] else None, bool(inputs["activations__valid"]), full, bool(inputs["halt_i"])
        )

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; `passes__payload` is a `pass_fields` word, `full_i` and `release_o` [2] bits."""
        self._evaluate(inputs)
        hw = self._hw
        control = {"valid": self._control_valid, **self.held_control._asdict()}
        return {
            "passes__ready": int(self.take),
            "activations__ready": int(self.bundle_ready),
            "release_o": 0 if self.release is None else 1 << self.release,
            "bundles_o": ports.pack_array(self.bundles.ravel().tolist(), hw.numbers.activation_bits),
            "slot_o": self.slot_word,
            "control_o": ports.pack(ports.control_fields(hw), control),
            "error_o": int(self.error),
            "cause_o": int(self.cause),
            "rows_o": self.rows,
            "opens_o": int(self.slot == 0),
            "active_o": int(self.active),
            "idle_o": int(self.idle),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `activations__payload` is [R][M]."""
        self._evaluate(inputs)
        rows, group = self._shape
        bits = self._hw.numbers.activation_bits
        bundles = ports.unpack_array(inputs["activations__payload"], rows * group, bits, signed=True)
        self.update(np.reshape(np.array(bundles, np.int32), self._shape), bool(inputs["taken_i"]))
        if inputs.get("rst", 0):
            self.reset()
