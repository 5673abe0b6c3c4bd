"""The slots: rows of groups become one slot of every column per clock, with its positions."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import CoreError, Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import rank_bits, slot_fields, tile_fields

from ..arguments import expect
from ..layouts import struct
from ..queue import Queue


class Slots(wiring.Component):
    """Reads the metadata of a row of groups, L groups per clock, and deals it out slot by slot.

    A bitmap gives its lowest set bit in each slot and clears it; coordinates give their next field; a dense group
    counts. A prefix popcount over the columns tells each column which of the slot's values is its own; it stands
    behind a queue of two slots, so that nothing before it depends on `slots.ready` in the same clock.
    A row takes max(b, C / L) clocks; the steps of two rows find room before they are dealt out.

    Members
    -------
    tiles: stream of `tile_fields`. steps: stream of [L][M] bits. slots: stream of `slot_fields` (a register), 2
    clocks after a slot was dealt.
    error_o: TOO_MANY_NONZEROS or COORDINATES_NOT_ASCENDING, the clock after its slot was dealt.
    row_loaded_o: a row with metadata begins to be dealt.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        self.cols, self.lanes = hw.array.cols, hw.weights.decode_lanes
        self.tile = struct(tile_fields(hw))
        self.dealt = struct(field for field in slot_fields(hw) if field[0] not in ("count", "rank"))
        super().__init__(
            {
                "tiles": In(stream.Signature(self.tile)),
                "steps": In(stream.Signature(data.ArrayLayout(unsigned(hw.array.group), self.lanes))),
                "slots": Out(stream.Signature(struct(slot_fields(hw)))),
                "error_o": Out(CoreError),
                "row_loaded_o": Out(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        current = Signal(self.tile)
        is_open = Signal()
        row_active = Signal()
        row = Signal.like(current.rows)
        slot = Signal(self.hw.index_bits)
        meta = Signal(data.ArrayLayout(unsigned(self.hw.array.group), self.cols))
        # Known a clock ahead, so that no comparison stands between a slot and the row after it.
        last_slot = Signal()
        last_row = Signal()
        m.submodules.dealt = dealt = Queue(self.dealt, depth=2, shown=self.cols)

        emit, row_end, same, dense, load = (Signal(name=n) for n in ("emit", "row_end", "same", "dense", "load"))
        offered = self.tiles.payload
        fill, whole = self._fill(m, load & ~dense)
        m.d.comb += [
            emit.eq(row_active & dealt.i.ready),
            row_end.eq(emit & last_slot),
            # Whether a row that begins now is of the same tile: what it depends on comes from registers.
            same.eq(is_open & ~(row_active & last_slot & last_row)),
            dense.eq(Mux(same, current.encoding == Encoding.DENSE, offered.encoding == Encoding.DENSE)),
            load.eq((same | self.tiles.valid) & (dense | whole) & (~row_active | row_end)),
            self.tiles.ready.eq(load & ~same),
            self.row_loaded_o.eq(load & ~dense),
            dealt.i.valid.eq(row_active),
            dealt.i.payload.row.eq(row),
            dealt.i.payload.slot.eq(slot),
            dealt.i.payload.final.eq(last_slot & last_row),
        ]
        with m.If(load):
            m.d.sync += [row_active.eq(1), slot.eq(0), meta.eq(fill)]
            with m.If(same):
                m.d.sync += [row.eq(row + 1), last_slot.eq(current.beat == 1), last_row.eq(current.rows == row + 2)]
            with m.Else():
                m.d.sync += [row.eq(0), last_slot.eq(offered.beat == 1), last_row.eq(offered.rows == 1)]
                m.d.sync += [current.eq(offered), is_open.eq(1)]
        with m.Elif(row_end):
            m.d.sync += [row_active.eq(0), is_open.eq(~last_row)]
        with m.Elif(emit):
            m.d.sync += [slot.eq(slot + 1), last_slot.eq(current.beat == slot + 2)]

        self._deal(m, current, meta, emit, load, slot, last_slot, dealt.i.payload)
        self._rank(m, dealt)
        return m

    def _fill(self, m: Module, unload: Value) -> tuple[Value, Value]:
        """Collects the steps of two rows; the older row, and whether it is whole. `unload` makes room for another."""
        steps = self.cols // self.lanes
        rows = Signal(range(3))
        # Whether there is room for another row is known a clock ahead.
        room = Signal(init=1)
        place = Signal(range(max(2, steps)))
        write_row = Signal()
        read_row = Signal()
        taken = Signal()
        complete = Signal()
        m.d.comb += [
            self.steps.ready.eq(room),
            taken.eq(self.steps.valid & self.steps.ready),
            complete.eq(taken & (place == steps - 1)),
        ]
        m.d.sync += [
            place.eq(Mux(complete, 0, place + taken)),
            write_row.eq(write_row ^ complete),
            read_row.eq(read_row ^ unload),
            rows.eq(rows + complete - unload),
            room.eq(unload | Mux(complete, rows == 0, rows != 2)),
        ]
        fill = []
        for step in range(steps):
            kept = memory.Memory(shape=unsigned(len(self.steps.payload.as_value())), depth=2, init=[])
            m.submodules[f"step_{step}"] = kept
            read, write = kept.read_port(domain="comb"), kept.write_port()
            m.d.comb += [
                read.addr.eq(read_row),
                write.addr.eq(write_row),
                write.data.eq(self.steps.payload),
                write.en.eq(taken & (place == step)),
            ]
            fill.append(read.data)
        return Cat(fill), rows != 0

    def _deal(
        self,
        m: Module,
        current: data.View,
        meta: data.View,
        emit: Signal,
        load: Signal,
        slot: Signal,
        last_slot: Signal,
        dealt: data.View,
    ) -> None:
        """The slot that each column deals next, its mask and index; and what contradicts itself."""
        index_bits = self.hw.index_bits
        bitmap = current.encoding == Encoding.BITMAP
        coordinate = current.encoding == Encoding.COORDINATE
        mask = Signal(self.cols)
        surplus = Signal(self.cols)
        descending = Signal(self.cols)
        previous = Signal(data.ArrayLayout(unsigned(index_bits), self.cols))
        for c in range(self.cols):
            group, within = meta[c], c < current.cols
            index, rest = Signal(index_bits, name=f"index_{c}"), Signal.like(group, name=f"rest_{c}")
            with m.If(bitmap):
                m.d.comb += [
                    mask[c].eq(group != 0),
                    index.eq(lowest_set_bit(m, group, f"lowest_{c}")),
                    rest.eq(group & (group - 1)),
                    surplus[c].eq(((slot == 0) & mask[c] & ~within) | (last_slot & (rest != 0))),
                ]
            with m.Elif(coordinate):
                m.d.comb += [
                    mask[c].eq(within),
                    index.eq(group[:index_bits]),
                    rest.eq(group >> index_bits),
                    descending[c].eq(within & (slot != 0) & (index <= previous[c])),
                ]
            with m.Else():
                m.d.comb += [mask[c].eq(within), index.eq(slot)]
            m.d.comb += dealt.index[c].eq(index)
            with m.If(emit):
                m.d.sync += previous[c].eq(index)
            with m.If(emit & ~load):
                m.d.sync += group.eq(rest)
        m.d.comb += dealt.mask.eq(mask)
        self._tell(m, Mux(emit, surplus, 0), Mux(emit, descending, 0))

    def _tell(self, m: Module, surplus: Value, descending: Value) -> None:
        """The error of any column, a clock later."""
        too_many, not_ascending = (Signal(self.cols, name=name) for name in ("too_many", "not_ascending"))
        m.d.sync += [too_many.eq(surplus), not_ascending.eq(descending)]
        with m.If(too_many.any()):
            m.d.comb += self.error_o.eq(CoreError.TOO_MANY_NONZEROS)
        with m.Elif(not_ascending.any()):
            m.d.comb += self.error_o.eq(CoreError.COORDINATES_NOT_ASCENDING)

    def _rank(self, m: Module, dealt: Queue) -> None:
        """The register at the output: each column's rank, and how many columns have a value."""
        op, ranks = self.slots.payload, prefix_popcount(m, dealt.o.payload.mask)
        m.d.comb += dealt.o.ready.eq(~self.slots.valid | self.slots.ready)
        with m.If(dealt.o.ready):
            m.d.sync += self.slots.valid.eq(dealt.o.valid)
        with m.If(dealt.o.ready & dealt.o.valid):
            m.d.sync += op.count.eq(ranks[-1])
            m.d.sync += [op[name].eq(dealt.o.payload[name]) for name in self.dealt.members]
            m.d.sync += [op.rank[c].eq(ranks[c][: rank_bits(self.hw)]) for c in range(self.cols)]


def lowest_set_bit(m: Module, group: Value, name: str) -> Signal:
    """Position of the lowest set bit, 0 if there is none."""
    position = Signal((len(group) - 1).bit_length(), name=name)
    for bit in reversed(range(len(group))):
        with m.If(group[bit]):
            m.d.comb += position.eq(bit)
    return position


def prefix_popcount(m: Module, mask: Signal) -> list[Signal]:
    """For each i in 0..len(mask), how many bits below i are set. Depth log2 (Sklansky, 1960)."""
    counts: list[Value] = [mask[i] for i in range(len(mask))]  # inclusive sums of ever longer spans
    span = 1
    while span < len(mask):
        summed = list(counts)
        for i in range(len(mask)):
            if i & span:
                summed[i] = counts[i] + counts[(i | (span - 1)) - span]
        counts, span = summed, span * 2
    sums = []
    for i, count in enumerate([Cat(0), *counts]):
        total = Signal(range(len(mask) + 1), name=f"rank_{i}")
        m.d.comb += total.eq(count)
        sums.append(total)
    return sums
