"""What is proved of the slots: for any metadata, each slot is dealt right, and metadata that contradict themselves are
named."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, C, Cat, Cover, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In

from skipbeat_arch.command import CoreError, Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_hw.core import slots as slots_module
from tests.hw.core.formal_decoder import Kind, hold, patience, pick
from tests.hw.core.symbolic_tile import pick_hit, total


class SlotsProof(Component):
    """One tile of any size with any metadata; its steps and the slots' taker pause in at most `pauses` clocks.

    Asserted of each slot that leaves: row, slot and `final` count up; a bitmap's column has a value in slot j if more
    than j of its bits are set, at the position of its j-th set bit; a coordinate's column below `cols` has its j-th
    field; ranks and count number the columns that have one. An error is raised exactly if a group of a bitmap has more
    than b bits (or any, beyond `cols`), or coordinates below `cols` do not ascend, at the latest with the last slot.
    """

    def __init__(self, hw: Hardware, kind: Kind, clocks: int, pauses: int) -> None:
        self.hw, self.kind, self.clocks, self.pauses = hw, kind, clocks, pauses
        a = hw.array
        self.sizes = [a.rows.bit_length(), a.cols.bit_length(), a.rows * a.cols * a.group]
        super().__init__({"free": In(sum(self.sizes)), "step_valid": In(1), "ready": In(1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = slots_module.Slots(self.hw)
        held = hold(m, self.free)
        self.rows, self.cols = Signal(self.sizes[0]), Signal(self.sizes[1])
        metadata = Signal(self.sizes[2])
        m.d.comb += Cat(self.rows, self.cols, metadata).eq(held)
        groups = self._groups(m, metadata)
        self._offer(m, dut, groups)
        finished = self._check_slots(m, dut, groups)
        self._check_error(m, dut, groups, finished)
        overdue = patience(m, self.step_valid & self.ready, self.pauses, self.clocks)
        m.d.comb += [Assert(~overdue | finished), Cover(finished)]
        return m

    def _groups(self, m: Module, metadata: Signal) -> list[list[Value]]:
        """[row][column] metadata; coordinates fill only the bits that they need."""
        array, (encoding, beat) = self.hw.array, self.kind
        bits = array.group if encoding == Encoding.BITMAP else beat * self.hw.index_bits
        m.d.comb += [
            Assume((self.rows != 0) & (self.rows <= array.rows)),
            Assume((self.cols != 0) & (self.cols <= array.cols)),
        ]
        words = [metadata.word_select(n, array.group)[:bits] for n in range(array.rows * array.cols)]
        return [words[r * array.cols : (r + 1) * array.cols] for r in range(array.rows)]

    def _offer(self, m: Module, dut: Component, groups: list[list[Value]]) -> None:
        """The descriptor at once and the steps of its rows in order, each once."""
        lanes, taken = self.hw.weights.decode_lanes, Signal()
        flat = [group for row in groups for group in row]
        step = Signal(range(len(flat) // lanes + 1))
        tile = dut.tiles.payload
        m.d.comb += [tile.encoding.eq(self.kind[0]), tile.beat.eq(self.kind[1])]
        m.d.comb += [tile.rows.eq(self.rows), tile.cols.eq(self.cols), dut.tiles.valid.eq(~taken)]
        m.d.comb += dut.steps.valid.eq(self.step_valid & (step < self.rows * (self.hw.array.cols // lanes)))
        for lane in range(lanes):
            m.d.comb += dut.steps.payload[lane].eq(pick(flat[lane::lanes], step))
        m.d.sync += [
            taken.eq(taken | (dut.tiles.valid & dut.tiles.ready)),
            step.eq(step + (dut.steps.valid & dut.steps.ready)),
        ]

    def _check_slots(self, m: Module, dut: Component, groups: list[list[Value]]) -> Value:
        """Follows the slots that leave; whether the last has."""
        array, beat = self.hw.array, self.kind[1]
        row, slot, finished = Signal(range(array.rows)), Signal(range(array.group)), Signal()
        got, final = dut.slots.payload, Signal()
        m.d.comb += [final.eq((row == self.rows - 1) & (slot == beat - 1)), dut.slots.ready.eq(self.ready)]
        with m.If(dut.slots.valid & dut.slots.ready):
            m.d.comb += Assert(~finished & (got.row == row) & (got.slot == slot) & (got.final == final))
            m.d.sync += [slot.eq(slot + 1), finished.eq(final)]
            with m.If(slot == beat - 1):
                m.d.sync += [slot.eq(0), row.eq(row + 1)]
            for r, columns in enumerate(groups):
                for j in range(beat):
                    with m.If((row == r) & (slot == j)):
                        self._check_slot(m, got, columns, j)
        return finished

    def _check_slot(self, m: Module, got: Value, columns: list[Value], slot: int) -> None:
        masks: list[Value] = []
        for c, group in enumerate(columns):
            if self.kind[0] == Encoding.BITMAP:
                hits = [group[k] & (total(group[:k]) == slot) for k in range(len(group))]
                mask, index = Cat(hits).any(), pick_hit(hits, range(len(hits)))
            else:
                mask, index = c < self.cols, group.word_select(slot, self.hw.index_bits)
            m.d.comb += [Assert(got.mask[c] == mask), Assert(~mask | (got.index[c] == index))]
            m.d.comb += Assert(~mask | (got.rank[c] == total(masks)))
            masks.append(mask)
        m.d.comb += Assert(got.count == total(masks))

    def _check_error(self, m: Module, dut: Component, groups: list[list[Value]], finished: Value) -> None:
        encoding, beat = self.kind
        wrong, failed = Signal(), Signal()
        faults: list[Value] = []
        for r, columns in enumerate(groups):
            for c, group in enumerate(columns):
                within = c < self.cols
                if encoding == Encoding.BITMAP:
                    fault = total(group) > Mux(within, beat, 0)
                else:
                    fields = [group.word_select(j, self.hw.index_bits) for j in range(beat)]
                    falls = [fields[j] <= fields[j - 1] for j in range(1, beat)]
                    fault = within & Cat(C(0, 1), *falls).any()
                faults.append((r < self.rows) & fault)
        code = CoreError.TOO_MANY_NONZEROS if encoding == Encoding.BITMAP else CoreError.COORDINATES_NOT_ASCENDING
        raised = dut.error_o != CoreError.NONE
        m.d.sync += failed.eq(failed | raised)
        m.d.comb += [
            wrong.eq(Cat(faults).any()),
            Assert(~raised | (wrong & (dut.error_o == code))),
            Assert(~finished | (failed == wrong)),
            Cover(finished & ~wrong),
        ]
        if encoding == Encoding.BITMAP or beat > 1:
            m.d.comb += Cover(finished & wrong)
