"""Beats and passes: which step the array makes in each clock, and on what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import Bundles
from skipbeat_arch.command import CoreError
from skipbeat_arch.depths import SETTLE
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
    stale: bool


class HeldControl(NamedTuple):
    """The register of what travels with a step, valid or not."""

    valid: bool
    open: bool
    close: bool
    first: bool
    last: bool
    pixel: int


class Sequencer:
    """Twin of the sequencer. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        bundles_o: int32 [R, M]; slot_o: {slot, bank}; rows_o: rows of the pass under way, 0 for a null pass.
        fed_rows: rows of the step that is fed.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._shape = (hw.array.rows, hw.array.group)
        self._row = np.arange(hw.array.rows)
        self.bundles_o = np.zeros(self._shape, np.int32)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.active_o = self.null = self.last = False
        self._first = self._resident = self._control_valid = False
        #: Pixels that ended one and two clocks ago, -1 for none.
        self._ended = (-1, -1)
        self.bank = 1
        self.slot = self.beat = self.rows_o = self.fed_rows = self.slot_o = 0
        self._pixel = self._pixels = 0
        self._credits = self._hw.result_depth
        self._row_on = np.zeros((self._shape[0], 1), np.int32)
        self._control = Control(False, False, False, False, 0)
        self.bundles_o.fill(0)

    @property
    def idle_o(self) -> bool:
        """No pass is under way, and no result."""
        return not self.active_o and self._credits == self._hw.result_depth

    @property
    def finishes(self) -> bool:
        """Once the wires are set: this clock's step is the last of its pass."""
        return self._finish

    @property
    def control(self) -> Control | None:
        """`control_o`, None while it is not valid."""
        return self._control if self._control_valid else None

    @property
    def control_o(self) -> HeldControl:
        """The register."""
        return HeldControl(self._control_valid, *self._control)

    @property
    def opens_o(self) -> bool:
        """The next step is the first of its pixel."""
        return self.slot == 0

    def evaluate(self, passes: Pass | None, activations_valid: bool, full_i: int, halt_i: bool) -> None:
        """Wires: `issue`, `close` and the output ports; a bit for each bank."""
        pass_, bundle_valid, halt = passes, activations_valid, halt_i
        slot = self.slot
        running = self.active_o and not halt
        credit = not self.last or self._credits != 0
        self.close = slot == self.beat - 1
        self.issue = running and (slot != 0 or ((self.null or bundle_valid) and credit))
        self.activations_ready = running and not self.null and self.close and (slot != 0 or credit)
        ends = self.issue and self.close
        self._finish = ends and self._pixel == self._pixels - 1
        self._ends = self._pixel if ends else -1
        self.passes_ready = False
        self.release_o = 0
        self.error_o = CoreError.NONE
        self._next, self._bundle_there = pass_, self.null or bundle_valid
        if pass_ is None or halt or (self.active_o and not self._finish):
            return
        if pass_.stale:
            self.error_o = CoreError.NO_SUCH_TILE
            return
        # Pixel p is read 1 + p · beat clocks after the pass is taken, and must have ended SETTLE clocks before that.
        steps, ended = max(pass_.beat, 1), enumerate((self._ends, *self._ended))
        settled = pass_.first or not any(ago + 1 + pixel * steps < SETTLE for ago, pixel in ended if pixel >= 0)
        self.passes_ready = settled and (not pass_.load or bool(full_i >> (1 - self.bank) & 1))
        if self.passes_ready and pass_.load and self._resident:
            self.release_o = 1 << self.bank

    @property
    def cause_o(self) -> Cause:
        """What the array does in this clock; after `evaluate`."""
        if self.issue:
            return Cause.COMPUTE
        if self.active_o:
            return Cause.OUTPUT_WAIT if self._bundle_there else Cause.ACTIVATION_WAIT
        if self._next:
            return Cause.TILE_WAIT if self._next.load else Cause.HAZARD
        return Cause.IDLE

    def update(self, activations_payload: Bundles | None, taken_i: bool) -> None:
        """End of a clock; no bundles are None, or any if nobody looks at them."""
        bundles, taken = activations_payload, taken_i
        self._ended = self._ends, self._ended[0]
        self._credits += taken
        self._control_valid = self.issue
        if self.issue:
            begins = self.slot == 0
            self._control = Control(begins, self.close, self._first, self.last, self._pixel)
            self.fed_rows = self.rows_o
            self._credits -= begins and self.last
            self.slot_o = self.slot + (self.bank << self._hw.index_bits)
            if bundles is None:
                self.bundles_o.fill(0)
            else:
                np.multiply(bundles, self._row_on, out=self.bundles_o)
        if self.passes_ready and self._next:
            self._start(self._next)
            return
        if self._finish:
            self.active_o = False
        if self.issue:
            self.slot = 0 if self.close else self.slot + 1
            self._pixel += self.close

    def _start(self, pass_: Pass) -> None:
        self.active_o, self._pixel, self.slot = True, 0, 0
        self.null, self.beat = pass_.beat == 0, max(pass_.beat, 1)
        # No command has 0 pixels; the hardware counts them down.
        self._pixels = pass_.pixels or 1 << ports.pixels_bits(self._hw)
        self._first, self.last = pass_.first, pass_.last
        self.rows_o = 0 if self.null else pass_.rows
        self._row_on = (self._row < self.rows_o).astype(np.int32)[:, None]
        if pass_.load:
            self.bank = 1 - self.bank
            self._resident = True
