"""Performance counters."""

from __future__ import annotations

from amaranth import Module, Signal, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.ports import ACTIVITY
from skipbeat_arch.registers import COUNTER_BITS, Cause, Counter

from ..layouts import struct


class Counters(wiring.Component):
    """Counts while `enable_i`; `clear_i` sets all to zero. A count is one clock behind its event.

    Members
    -------
    activity_i: the core's. read_i, write_i: a beat on the bus. counts_o: by `Counter`.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "enable_i": In(1),
                "clear_i": In(1),
                "activity_i": In(struct(ACTIVITY)),
                "read_i": In(1),
                "write_i": In(1),
                "counts_o": Out(data.ArrayLayout(unsigned(COUNTER_BITS), len(Counter))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        activity = self.activity_i
        events = {
            Counter.CYCLES: 1,
            Counter.READ_BEATS: self.read_i,
            Counter.WRITE_BEATS: self.write_i,
            Counter.BUNDLE_READS: activity.bundles,
            Counter.ACCUMULATOR_READS: activity.accumulator_read,
            Counter.ACCUMULATOR_WRITES: activity.accumulator_write,
            Counter.RESULTS: activity.result,
            Counter.SLOT_WRITES: activity.slot_write,
            Counter.ROWS_DECODED: activity.row_decoded,
            Counter.METADATA_WORDS: activity.metadata_word,
            Counter.VALUE_WORDS: activity.value_word,
        } | {Counter[cause.name]: activity.cause == cause for cause in Cause}
        for counter, event in events.items():
            count = Signal(COUNTER_BITS, name=f"count_{counter.name.lower()}")
            with m.If(self.clear_i):
                m.d.sync += count.eq(0)
            # No chain of carries behind an event: it only decides whether the next number is taken.
            with m.Elif(self.enable_i & Value.cast(event).any()):
                m.d.sync += count.eq(count + (event if len(Value.cast(event)) > 1 else 1))
            m.d.comb += self.counts_o[counter].eq(count)
        return m
