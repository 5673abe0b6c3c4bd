"""What is proved of the two banks: no row reads an entry too early or too late."""

from __future__ import annotations

from amaranth.hdl import Array, Assert, Assume, Cover, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, connect, flipped

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import SIZE_BITS
from skipbeat_hw.core.loader import WeightLoader
from skipbeat_hw.core.sequencer import Sequencer
from tests.hw.core.formal_decoder import hold, pick


class BankProof(Component):
    """Sequencer and loader joined; the decoder is anything that writes `tiles` tiles of free sizes, slot by slot.

    Instead of weights the number of the tile is written. A row of PEs is a memory behind as many registers as its
    number, as in the array; each step must read, in every row of its tile, the number of the tile that its pass means.
    Column c sees all of it c clocks later, so column 0 stands for all.
    """

    def __init__(self, hw: Hardware, tiles: int) -> None:
        self.hw, self.tiles = hw, tiles
        self.loader, self.sequencer = WeightLoader(hw), Sequencer(hw)
        # b is 1 or 2, so that the solver sees whole tiles come and go.
        self.tile_bits = 1 + hw.array.rows.bit_length()
        super().__init__(
            {
                "passes": self.sequencer.signature.members["passes"],
                "free": In(tiles * self.tile_bits),
                "bundle_there": In(1),
                "deal": In(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.loader, m.submodules.sequencer = loader, sequencer = self.loader, self.sequencer
        connect(m, flipped(self.passes), sequencer.passes)
        sizes = hold(m, self.free)
        beats, rows = [], []
        for n in range(self.tiles):
            word = sizes.word_select(n, self.tile_bits)
            beats.append(Mux(word[0], 2, 1))
            rows.append(word[1:])
            m.d.comb += Assume((word[1:] != 0) & (word[1:] <= self.hw.array.rows))
        m.d.comb += [
            sequencer.activations.valid.eq(self.bundle_there),
            sequencer.taken_i.eq(0),
            sequencer.full_i.eq(loader.full_o),
            loader.release_i.eq(sequencer.release_o),
        ]
        self._decode(m, beats, rows)
        meant, meant_rows = self._passes(m, beats, rows)
        self._array(m, meant, meant_rows)
        return m

    def _decode(self, m: Module, beats: list[Value], rows: list[Value]) -> None:
        """Tiles in order, rows in order, slots in order; `write_i` two clocks after the slot was taken."""
        loader, array = self.loader, self.hw.array
        tile, row, slot = Signal(range(self.tiles + 1)), Signal(range(array.rows)), Signal(range(array.group))
        fire, slot_end, tile_end = Signal(), Signal(), Signal()
        m.d.comb += [
            fire.eq(self.deal & loader.bank_ok_o & (tile != self.tiles)),
            slot_end.eq(slot == pick(beats, tile) - 1),
            tile_end.eq(slot_end & (row == pick(rows, tile) - 1)),
            loader.done_i.eq(fire & tile_end),
        ]
        with m.If(fire):
            m.d.sync += [slot.eq(Mux(slot_end, 0, slot + 1)), row.eq(Mux(tile_end, 0, row + slot_end))]
            m.d.sync += tile.eq(tile + tile_end)
        staged = Signal.like(loader.write_i)
        m.d.sync += [staged.enable.eq(fire), staged.row.eq(row), staged.slot.eq(slot), loader.write_i.eq(staged)]
        m.d.sync += staged.values[0].eq(tile)

    def _passes(self, m: Module, beats: list[Value], rows: list[Value]) -> tuple[Signal, Signal]:
        """The tile, and its rows, of the step on the feed; passes are sound and load the tiles in order."""
        offered, loads = self.passes.payload, Signal(range(self.tiles + 1))
        resident = Mux(offered.load, loads, loads - 1)
        m.d.comb += [
            Assume((offered.beat == pick(beats, resident)) & (offered.rows == pick(rows, resident))),
            Assume(offered.load | (loads != 0)),
            Assume(~offered.stale),
            Assume((offered.one_step == (offered.beat <= 1)) & (offered.two_steps == (offered.beat <= 2))),
            Assume(offered.one_pixel == (offered.pixels == 1)),
            Assume(~self.passes.valid | ~offered.load | (loads != self.tiles)),
            Assume((offered.pixels != 0) & (offered.pixels <= 2)),
            Assert(self.sequencer.error_o == 0),
            Cover((loads == self.tiles) & self.sequencer.control_o.valid),
        ]
        m.d.sync += loads.eq(loads + (self.passes.valid & self.passes.ready & offered.load))
        meant, meant_rows = Signal.like(loads), Signal(SIZE_BITS)
        m.d.sync += [meant.eq(loads - 1), meant_rows.eq(pick(rows, loads - 1))]
        return meant, meant_rows

    def _array(self, m: Module, meant: Value, meant_rows: Value) -> None:
        """One memory per row, behind as many registers as the row's number."""
        loader, reads = self.loader, self.sequencer.control_o.valid
        address = self.sequencer.slot_o
        for r in range(self.hw.array.rows):
            memory = Array(Signal(self.hw.numbers.weight_bits, name=f"row_{r}_{n}") for n in range(1 << len(address)))
            with m.If(loader.write_enable_o[r]):
                m.d.sync += memory[loader.write_address_o].eq(loader.weights_o[0])
            m.d.comb += Assert(~(reads & (r < meant_rows)) | (memory[address] == meant))
            here = (reads, meant, meant_rows, address)
            later = tuple(Signal(len(value), name=f"below_{r}_{n}") for n, value in enumerate(here))
            m.d.sync += [below.eq(value) for below, value in zip(later, here, strict=True)]
            reads, meant, meant_rows, address = later
