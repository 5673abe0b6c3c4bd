"""The fetcher: walks pixels and reads each bank at its own offset, the implicit GEMM's address generator."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.depths import FETCHER_ROOM
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import JOB, LOCAL_BITS, offset_fields
from skipbeat_arch.ports import bundle_bits

from ..arguments import expect
from ..layouts import struct
from ..registered_fifo import RegisteredFifo

LOOPS = 4


class Fetcher(wiring.Component):
    """For each pixel of a walk, one bundle from every bank: entry `base + Σ i·step + offset[bank]` of four nested
    loops.

    One pixel per clock; the next walk and its offsets are taken ahead, so walks follow each other without a gap. An
    item is on `activations` 3 clocks after its step at the earliest.

    Members
    -------
    jobs: stream of walks. table_address_o, table_enable_o, offsets_i: the table, data one clock later.
    bank_address_o [R], bank_enable_o, bundles_i: the banks, data one clock later. activations: the core's stream.
    give_o: tokens to load and store, when a walk's last bundle was read.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        hw = machine.hw
        bundles = data.ArrayLayout(unsigned(bundle_bits(hw)), hw.array.rows)
        super().__init__(
            {
                "jobs": In(stream.Signature(struct(JOB))),
                "table_address_o": Out(8),
                "table_enable_o": Out(1),
                "offsets_i": In(struct(offset_fields(machine))),
                "bank_address_o": Out(data.ArrayLayout(unsigned(LOCAL_BITS), hw.array.rows)),
                "bank_enable_o": Out(1),
                "bundles_i": In(bundles),
                "activations": Out(stream.Signature(bundles)),
                "give_o": Out(2),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        ahead = Signal(struct(JOB))
        ahead_valid = Signal()
        ahead_loaded = Signal()
        walk = Signal(struct(JOB))
        walking = Signal()
        # As the table's own register can be.
        offsets = Signal(struct(offset_fields(self.machine)), reset_less=True)
        at = Signal(LOCAL_BITS)
        room = Signal(range(FETCHER_ROOM + 1), init=FETCHER_ROOM)
        # Known a clock ahead: whether there is some.
        some = Signal(init=1)
        issue = Signal()
        last = Signal()
        start = Signal()
        m.d.comb += [
            issue.eq(walking & (walk.null | some)),
            last.eq(issue & (walk.null | self._step(m, walk, at, start, ahead, issue & ~walk.null))),
            start.eq(ahead_valid & ahead_loaded & (~walking | last)),
            self.jobs.ready.eq(~ahead_valid | start),
            self.table_address_o.eq(ahead.table),
            self.table_enable_o.eq(ahead_valid & ~ahead_loaded),
        ]
        with m.If(self.jobs.valid & self.jobs.ready):
            m.d.sync += [ahead.eq(self.jobs.payload), ahead_valid.eq(1), ahead_loaded.eq(0)]
        with m.Else():
            m.d.sync += [ahead_valid.eq(ahead_valid & ~start), ahead_loaded.eq(ahead_valid)]
        with m.If(start):
            m.d.sync += [walk.eq(ahead), walking.eq(1), offsets.eq(self.offsets_i)]
        with m.Elif(last):
            m.d.sync += walking.eq(0)
        read = issue & ~walk.null
        self._read(m, read, Mux(last, walk.signal, 0), at, offsets)
        moved = self.activations.valid & self.activations.ready
        m.d.sync += [room.eq(room - read + moved), some.eq(moved | Mux(read, room != 1, room != 0))]
        return m

    def _step(self, m: Module, walk: data.View, at: Signal, start: Signal, ahead: data.View, issue: Value) -> Value:
        """The four counters and the entry where each loop's turn began; returns whether this is the last pixel.

        Turns are counted down, so that each loop's end is known beforehand; a loop of 0 turns has all that its counter
        can count.
        """
        counts = [ahead[f"n{i}"] for i in range(LOOPS)]
        lefts = [Signal.like(count, name=f"left{i}") for i, count in enumerate(counts)]
        turns = [Signal.like(count, name=f"turns{i}") for i, count in enumerate(counts)]
        ends = [Signal(name=f"end{i}", init=1) for i in range(LOOPS)]
        single = [Signal(name=f"single{i}", init=1) for i in range(LOOPS)]
        begins = [Signal(LOCAL_BITS, name=f"begin{i}") for i in range(1, LOOPS)]
        with m.If(start):
            for level, count in enumerate(counts):
                m.d.sync += [each.eq(count - 1) for each in (lefts[level], turns[level])]
                m.d.sync += [each.eq(count == 1) for each in (ends[level], single[level])]
            m.d.sync += [begin.eq(ahead.base) for begin in (at, *begins)]
        with m.Elif(issue):
            for level in range(LOOPS):
                # The innermost loop that has not ended goes on; those inside it begin anew where it is then.
                goes_on = ~ends[level]
                for inner in ends[:level]:
                    goes_on = goes_on & inner
                with m.If(goes_on):
                    following = (at, *begins)[level] + walk[f"step{level}"]
                    m.d.sync += [lefts[level].eq(lefts[level] - 1), ends[level].eq(lefts[level] == 1)]
                    for inside in range(level):
                        m.d.sync += [lefts[inside].eq(turns[inside]), ends[inside].eq(single[inside])]
                    m.d.sync += [begin.eq(following) for begin in (at, *begins)[: level + 1]]
        return ends[0] & ends[1] & ends[2] & ends[3]

    def _read(self, m: Module, read: Signal, signal: Signal, at: Signal, offsets: data.View) -> None:
        """Stage A addresses the banks, stage B has their bundles."""
        rows = self.machine.hw.array.rows
        read_a = Signal()
        read_b = Signal()
        signal_a = Signal(2)
        m.d.sync += [read_a.eq(read), read_b.eq(read_a), signal_a.eq(signal), self.give_o.eq(signal_a)]
        for bank in range(rows):
            m.d.sync += self.bank_address_o[bank].eq(at + offsets.offset[bank])
        items = RegisteredFifo(width=len(self.bundles_i.as_value()), depth=FETCHER_ROOM)
        m.submodules.items = items
        m.d.comb += [
            self.bank_enable_o.eq(read_a),
            items.w_en.eq(read_b),
            items.w_data.eq(self.bundles_i),
            self.activations.payload.eq(items.r_data),
            items.r_en.eq(self.activations.ready),
        ]
        # A register, as the core's next step waits for it: whether there is an item.
        moved = self.activations.valid & self.activations.ready
        m.d.sync += self.activations.valid.eq(read_b | Mux(moved, items.level > 1, self.activations.valid))
