"""The slots: rows of groups become one slot of every column per clock, with its positions."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import CoreError, Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import rank_bits, slot_fields, tile_fields

from ..arguments import expect
from ..layouts import struct


class Slots(wiring.Component):
    """Reads the metadata of a row of groups, L groups per clock, and deals it out slot by slot.

    A bitmap gives its lowest set bit in each slot and clears it; coordinates give their next field; a dense group
    counts. A prefix popcount over the columns tells each column which of the slot's values is its own.
    A row takes max(b, C / L) clocks.

    Members
    -------
    tiles: stream of `tile_fields`. steps: stream of [L][M] bits. slots: stream of `slot_fields` (a register).
    error_o: TOO_MANY_NONZEROS or COORDINATES_NOT_ASCENDING, in the clock in which it is found.
    row_loaded_o: a row with metadata begins to be dealt.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        self.cols, self.lanes = hw.array.cols, hw.weights.decode_lanes
        self.tile = struct(tile_fields(hw))
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

        emit, row_end, tile_end, same, dense, load = (
            Signal(name=n) for n in ("emit", "row_end", "tile_end", "same", "dense", "load")
        )
        is_dense = [tile.encoding == Encoding.DENSE for tile in (self.tiles.payload, current)]
        filled = self._fill(m, load & ~dense, meta)
        m.d.comb += [
            emit.eq(row_active & (~self.slots.valid | self.slots.ready)),
            row_end.eq(emit & (slot == current.beat - 1)),
            tile_end.eq(row_end & (row == current.rows - 1)),
            same.eq(is_open & ~tile_end),
            dense.eq(Mux(same, is_dense[1], is_dense[0])),
            load.eq((~row_active | row_end) & (same | self.tiles.valid) & (dense | filled)),
            self.tiles.ready.eq(load & ~same),
            self.row_loaded_o.eq(load & ~dense),
        ]
        with m.If(load):
            m.d.sync += [row_active.eq(1), slot.eq(0), row.eq(Mux(same, row + 1, 0))]
            with m.If(~same):
                m.d.sync += [current.eq(self.tiles.payload), is_open.eq(1)]
        with m.Elif(row_end):
            m.d.sync += row_active.eq(0)
            with m.If(tile_end):
                m.d.sync += is_open.eq(0)
        with m.Elif(emit):
            m.d.sync += slot.eq(slot + 1)

        self._deal(m, current, meta, emit, load, slot)
        with m.If(emit):
            m.d.sync += [
                self.slots.valid.eq(1),
                self.slots.payload.row.eq(row),
                self.slots.payload.slot.eq(slot),
                self.slots.payload.final.eq(tile_end),
            ]
        with m.Elif(self.slots.ready):
            m.d.sync += self.slots.valid.eq(0)
        return m

    def _fill(self, m: Module, unload: Value, meta: data.View) -> Value:
        """Collects the steps of the next row, hands them to `meta` on `unload`; whether the row is whole."""
        steps = self.cols // self.lanes
        fill = Signal.like(meta, name="fill")
        filled = Signal(range(steps + 1))
        place = Signal.like(filled)
        m.d.comb += [self.steps.ready.eq((filled != steps) | unload), place.eq(Mux(unload, 0, filled))]
        with m.If(unload):
            m.d.sync += [meta.eq(fill), filled.eq(0)]
        with m.If(self.steps.valid & self.steps.ready):
            m.d.sync += filled.eq(place + 1)
            for step in range(steps):
                with m.If(place == step):
                    for lane in range(self.lanes):
                        m.d.sync += fill[step * self.lanes + lane].eq(self.steps.payload[lane])
        return filled == steps

    def _deal(self, m: Module, current: data.View, meta: data.View, emit: Signal, load: Signal, slot: Signal) -> None:
        """The slot that each column deals next: mask, index, rank; and what contradicts itself."""
        index_bits = self.hw.index_bits
        bitmap = current.encoding == Encoding.BITMAP
        coordinate = current.encoding == Encoding.COORDINATE
        mask = Signal(self.cols)
        surplus = Signal(self.cols)
        descending = Signal(self.cols)
        previous = Signal(data.ArrayLayout(unsigned(index_bits), self.cols))
        last_slot = slot == current.beat - 1
        for c in range(self.cols):
            group, within = meta[c], c < current.cols
            index, rest = Signal(index_bits, name=f"index_{c}"), Signal.like(group, name=f"rest_{c}")
            with m.If(bitmap):
                m.d.comb += [
                    mask[c].eq(group != 0),
                    index.eq(lowest_set_bit(m, group, f"lowest_{c}")),
                    rest.eq(group & (group - 1)),
                    surplus[c].eq(Mux(slot == 0, mask[c] & ~within, 0) | (last_slot & (rest != 0))),
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
            with m.If(emit):
                m.d.sync += [self.slots.payload.index[c].eq(index), previous[c].eq(index)]
            with m.If(emit & ~load):
                m.d.sync += group.eq(rest)
        with m.If(emit & surplus.any()):
            m.d.comb += self.error_o.eq(CoreError.TOO_MANY_NONZEROS)
        with m.Elif(emit & descending.any()):
            m.d.comb += self.error_o.eq(CoreError.COORDINATES_NOT_ASCENDING)
        with m.If(emit):
            m.d.sync += self.slots.payload.mask.eq(mask)
            ranks = prefix_popcount(m, mask)
            m.d.sync += self.slots.payload.count.eq(ranks[-1])
            for c in range(self.cols):
                m.d.sync += self.slots.payload.rank[c].eq(ranks[c][: rank_bits(self.hw)])


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
