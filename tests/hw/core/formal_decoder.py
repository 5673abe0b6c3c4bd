"""What is proved of the whole weight decoder: it writes the very weights of the stream, or raises an error."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from amaranth.hdl import Array, Assert, Assume, C, Cover, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In

from skipbeat_arch.command import Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_hw.core.decoder import WeightDecoder
from tests.hw.core.symbolic_tile import SymbolicTile, free_bits

Kind = tuple[Encoding, int]
"""Encoding and b of a tile."""


class DecoderProof(Component):
    """Tiles of free size, positions and values, one after the other; the streams pause in at most `pauses` clocks.

    Asserted: no error; each write is the next slot of the next row and holds the tile's weights and positions, zero
    where a column has none; `done` comes with each tile's last slot, and only then; and after `clocks` clocks in which
    nothing paused, everything is written.
    """

    def __init__(self, hw: Hardware, kinds: Sequence[Kind], clocks: int, pauses: int) -> None:
        self.hw, self.kinds, self.clocks, self.pauses = hw, kinds, clocks, pauses
        free = free_bits(hw) * len(kinds)
        super().__init__({"free": In(free), "tile_valid": In(1), "word_valid": In(1), "bank_ok": In(1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = WeightDecoder(self.hw)
        each = free_bits(self.hw)
        held = hold(m, self.free)
        tiles = [
            SymbolicTile(m, self.hw, *kind, held[n * each : (n + 1) * each], f"tile{n}")
            for n, kind in enumerate(self.kinds)
        ]
        for tile in tiles:
            m.d.comb += Assume(tile.sound)
        offer_tiles(m, dut, tiles, self.tile_valid)
        sent = self._offer_words(m, dut, tiles)
        m.d.comb += [dut.bank_ok_i.eq(self.bank_ok), Assert(dut.error_o == 0)]
        written = self._check_writes(m, dut, tiles)

        overdue = patience(m, self.tile_valid & self.word_valid & self.bank_ok, self.pauses, self.clocks)
        m.d.comb += Assert(~overdue | (written == len(tiles)))
        m.d.comb += Cover((written == len(tiles)) & (sent == len(tiles)))
        return m

    def _offer_words(self, m: Module, dut: WeightDecoder, tiles: list[SymbolicTile]) -> Signal:
        """The tiles' words in order; returns how many tiles have been sent."""
        sent, word = Signal(range(len(tiles) + 1)), Signal(range(max(len(t.words) for t in tiles) + 1))
        m.d.comb += [
            dut.weights.valid.eq(self.word_valid & (sent != len(tiles))),
            dut.weights.payload.data.eq(Array(pick(t.words, word) for t in tiles)[sent]),
            dut.weights.payload.last.eq(Array(word == t.length - 1 for t in tiles)[sent]),
        ]
        with m.If(dut.weights.valid & dut.weights.ready):
            m.d.sync += word.eq(word + 1)
            with m.If(dut.weights.payload.last):
                m.d.sync += [word.eq(0), sent.eq(sent + 1)]
        return sent

    def _check_writes(self, m: Module, dut: WeightDecoder, tiles: list[SymbolicTile]) -> Signal:
        """Follows the writes; returns how many tiles are written."""
        array = self.hw.array
        written, row, slot = Signal(range(len(tiles) + 1)), Signal(range(array.rows)), Signal(range(array.group))
        write, tile_end, done = dut.write_o, Signal(), [dut.done_o, Signal(), Signal()]
        m.d.sync += [later.eq(sooner) for sooner, later in pairwise(done)]
        m.d.comb += [Assert(~write.enable | (written != len(tiles))), Assert(done[2] == tile_end)]
        with m.If(write.enable):
            m.d.comb += Assert((write.row == row) & (write.slot == slot))
            for n, tile in enumerate(tiles):
                with m.If(written == n):
                    self._check_tile(m, write, tile, row, slot, tile_end)
            m.d.sync += [slot.eq(slot + 1), written.eq(written + tile_end)]
            with m.If(pick([C(t.beat - 1) for t in tiles], written) == slot):
                m.d.sync += [slot.eq(0), row.eq(Mux(tile_end, 0, row + 1))]
        return written

    def _check_tile(
        self, m: Module, write: Value, tile: SymbolicTile, row: Signal, slot: Signal, tile_end: Signal
    ) -> None:
        m.d.comb += tile_end.eq((row == tile.rows - 1) & (slot == tile.beat - 1))
        for i, slots in enumerate(tile.slots):
            for s, columns in enumerate(slots):
                with m.If((row == i) & (slot == s)):
                    for c, expected in enumerate(columns):
                        m.d.comb += Assert(write.values[c] == expected.value)
                        m.d.comb += Assert(~expected.used | (write.index[c] == expected.index))


class LastFlagProof(Component):
    """One tile of free contents whose `last` flag comes on a free word, and after it any words.

    The decoder is halted by its own error, a clock late, as in the core. Asserted: with the flag on the right word
    there is no error and the tile is done; with the flag on any other word there is an error, before or with `done`.
    Either comes after at most `clocks` clocks in which nothing paused.
    """

    def __init__(self, hw: Hardware, kind: Kind, clocks: int, pauses: int) -> None:
        self.hw, self.kind, self.clocks, self.pauses = hw, kind, clocks, pauses
        ports = {"tile_valid": 1, "word_valid": 1, "bank_ok": 1, "other_data": hw.word_bits, "other_last": 1}
        ports |= {"free": free_bits(hw), "last_word": 4}
        super().__init__({name: In(bits) for name, bits in ports.items()})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = WeightDecoder(self.hw)
        tile = SymbolicTile(m, self.hw, *self.kind, hold(m, self.free), "tile")
        last_word = hold(m, self.last_word)
        assert len(tile.words) < 1 << len(last_word)
        word, after = Signal(range(len(tile.words) + 1)), Signal()
        here = ~after & (word == last_word)
        m.d.comb += [
            Assume(tile.sound),
            dut.bank_ok_i.eq(self.bank_ok),
            dut.weights.valid.eq(self.word_valid),
            dut.weights.payload.data.eq(Mux(after | (word >= tile.length), self.other_data, pick(tile.words, word))),
            dut.weights.payload.last.eq(Mux(after, self.other_last, here)),
        ]
        with m.If(dut.weights.valid & dut.weights.ready):
            m.d.sync += [word.eq(word + (word != len(tile.words))), after.eq(after | here)]
        offer_tiles(m, dut, [tile], self.tile_valid)

        done, failed, halted = Signal(), Signal(), Signal()
        m.d.sync += [done.eq(done | dut.done_o), failed.eq(failed | (dut.error_o != 0)), halted.eq(failed)]
        m.d.comb += dut.halt_i.eq(halted)
        right = Signal()
        m.d.comb += right.eq(last_word == tile.length - 1)
        overdue = patience(m, self.tile_valid & self.word_valid & self.bank_ok, self.pauses, self.clocks)
        m.d.comb += [
            Assert(~right | (dut.error_o == 0)),
            Assert(right | ~dut.done_o | (dut.error_o != 0)),
            Assert(~(done & dut.done_o)),
            Assert(~overdue | Mux(right, done, failed)),
            Cover(right & done),
            Cover(failed & (last_word + 1 < tile.length)),
            Cover(failed & (last_word >= tile.length)),
        ]
        return m


def hold(m: Module, free: Signal) -> Signal:
    """The value that a free input has in the first clock, for ever."""
    held, kept, started = Signal(len(free)), Signal(len(free)), Signal()
    m.d.comb += held.eq(Mux(started, kept, free))
    m.d.sync += [kept.eq(held), started.eq(1)]
    return held


def patience(m: Module, going: Value, pauses: int, clocks: int) -> Value:
    """Assumes that `going` is 0 in at most `pauses` clocks; whether it has been 1 in `clocks` clocks."""
    paused, gone = Signal(range(pauses + 1)), Signal(range(clocks + 1))
    m.d.comb += Assume(going | (paused != pauses))
    m.d.sync += [paused.eq(paused + ~going), gone.eq(gone + (going & (gone != clocks)))]
    return gone == clocks


def offer_tiles(m: Module, dut: WeightDecoder, tiles: list[SymbolicTile], valid: Value) -> None:
    """The descriptors, each once and in order."""
    offered = Signal(range(len(tiles) + 1))
    m.d.comb += dut.tiles.valid.eq(valid & (offered != len(tiles)))
    m.d.sync += offered.eq(offered + (dut.tiles.valid & dut.tiles.ready))
    for n, tile in enumerate(tiles):
        with m.If(offered == n):
            m.d.comb += [
                dut.tiles.payload.encoding.eq(tile.encoding),
                dut.tiles.payload.beat.eq(tile.beat),
                dut.tiles.payload.rows.eq(tile.rows),
                dut.tiles.payload.cols.eq(tile.cols),
                dut.tiles.payload.words.eq(tile.metadata_words),
            ]


def pick(options: Sequence[Value], number: Value) -> Value:
    """options[number], 0 beyond the last."""
    picked: Value = C(0, 1)
    for n, option in enumerate(options):
        picked = picked | Mux(number == n, option, 0)
    return picked
