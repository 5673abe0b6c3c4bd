"""Performance counters."""

from __future__ import annotations

from amaranth import Array, Module, Mux, Signal, unsigned
from amaranth.hdl import Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.ports import ACTIVITY, SIZE_BITS
from skipbeat_arch.registers import COUNTER_BITS, Cause, Counter

from ..layouts import struct

#: Clocks until `count_o` is the count of another counter.
READ_CLOCKS = 8
#: Clocks of a turn: a counter in its order, and the one that is asked for, with a clock for the sum after each.
TURN = 4
#: Bits of the events that a counter has until its turn comes again.
PENDING_BITS = (TURN * (len(Counter) + 1)).bit_length()


class Counters(wiring.Component):
    """Counts while `enable_i`; `clear_i` sets all to zero. All totals lie in one memory and share an adder.

    Each counter has a few bits of its own, which are added to its total when its turn comes.

    Members
    -------
    activity_i: the core's. read_i, write_i: a beat on the bus. counter_i: the counter that is asked for.
    count_o: its count in one of the last `READ_CLOCKS` clocks, if `counter_i` has not changed in them.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "enable_i": In(1),
                "clear_i": In(1),
                "activity_i": In(struct(ACTIVITY)),
                "read_i": In(1),
                "write_i": In(1),
                "counter_i": In(range(len(Counter))),
                "count_o": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        # They come late in their clocks, and a start is far away: all of it is registered first.
        activity = Signal.like(self.activity_i)
        read_beat = Signal()
        write_beat = Signal()
        enable = Signal()
        clear = Signal()
        m.d.sync += [
            activity.eq(self.activity_i),
            read_beat.eq(self.read_i),
            write_beat.eq(self.write_i),
            enable.eq(self.enable_i),
            clear.eq(self.clear_i),
        ]
        events = {
            Counter.CYCLES: 1,
            Counter.READ_BEATS: read_beat,
            Counter.WRITE_BEATS: write_beat,
            Counter.BUNDLE_READS: activity.bundles,
            Counter.ACCUMULATOR_READS: activity.accumulator_read,
            Counter.ACCUMULATOR_WRITES: activity.accumulator_write,
            Counter.RESULTS: activity.result,
            Counter.SLOT_WRITES: activity.slot_write,
            Counter.ROWS_DECODED: activity.row_decoded,
            Counter.METADATA_WORDS: activity.metadata_word,
            Counter.VALUE_WORDS: activity.value_word,
        } | {Counter[cause.name]: activity.cause == cause for cause in Cause}
        turn = Signal(range(TURN))
        following = Signal(range(len(Counter)))
        at = Signal.like(following)
        m.d.sync += turn.eq(turn + 1)
        with m.Switch(turn):
            with m.Case(0):
                m.d.sync += [at.eq(following), following.eq(Mux(following == len(Counter) - 1, 0, following + 1))]
            with m.Case(2):
                m.d.sync += at.eq(self.counter_i)
        pending = []
        for counter in Counter:
            now = Mux(enable, Value.cast(events[counter]), 0)
            pending.append(_pending(m, counter, now, clear, turn[0] & (at == counter)))
        self._total(m, at, turn, clear, Array(pending)[at])
        return m

    def _total(self, m: Module, at: Signal, turn: Signal, clear: Signal, pending: Value) -> None:
        """In the first clock what is there and what comes to it are taken into registers, in the second their sum is
        written; whether what lies in the memory is of this run is kept beside it."""
        totals = memory.Memory(shape=unsigned(COUNTER_BITS), depth=len(Counter), init=[])
        m.submodules.totals = totals
        write, read = totals.write_port(), totals.read_port(domain="comb")
        counted = Signal(len(Counter))
        old = Signal(COUNTER_BITS)
        new = Signal(PENDING_BITS + SIZE_BITS)
        total = Signal(COUNTER_BITS)
        place = Signal.like(at)
        m.d.comb += [
            read.addr.eq(at),
            total.eq(old + new),
            write.addr.eq(place),
            write.data.eq(total),
            write.en.eq(~turn[0]),
        ]
        with m.If(clear):
            m.d.sync += [counted.eq(0), old.eq(0), new.eq(0)]
        with m.Elif(turn[0]):
            m.d.sync += [
                old.eq(Mux(counted.bit_select(at, 1), read.data, 0)),
                new.eq(pending),
                place.eq(at),
                counted.bit_select(at, 1).eq(1),
            ]
        with m.If(turn == 0):
            m.d.sync += self.count_o.eq(total)


def _pending(m: Module, counter: Counter, now: Value, clear: Signal, visited: Value) -> Signal:
    """Events since the counter's last turn."""
    bits = PENDING_BITS + (SIZE_BITS if len(now) > 1 else 0)
    pending = Signal(bits, name=f"pending_{counter.name.lower()}")
    with m.If(clear):
        m.d.sync += pending.eq(0)
    with m.Elif(visited):
        m.d.sync += pending.eq(now)
    with m.Else():
        m.d.sync += pending.eq(pending + now)
    return pending
