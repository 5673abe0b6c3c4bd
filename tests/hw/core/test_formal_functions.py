"""Proofs, for all inputs, of the combinational functions under the slots; and that a planted bug is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from amaranth.hdl import Assert, Assume, Cover, Module, Signal
from amaranth.lib.wiring import Component, In

import skipbeat_hw.core.dispatcher
import skipbeat_hw.core.slots
from skipbeat_arch.command import Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import tile_fields
from skipbeat_hw.core.slots import lowest_set_bit, prefix_popcount
from skipbeat_hw.layouts import struct
from skipbeat_hw.tools.formal import bounded, reachable
from tests.hw.core.symbolic_tile import tiny
from tests.hw.planted import mutant

WIDTHS = [4, 8, 16, 32]


class LowestSetBit(Component):
    """The position is 0 for an empty group; otherwise its bit is set and no bit below it is."""

    def __init__(self, width: int) -> None:
        super().__init__({"group": In(width)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        position = skipbeat_hw.core.slots.lowest_set_bit(m, self.group, "position")
        for bit in range(len(self.group)):
            here = position == bit
            m.d.comb += Assert(~here | self.group[bit] | (self.group == 0))
            m.d.comb += Assert(~here | (self.group[:bit] == 0))
            m.d.comb += Cover(here & (self.group != 0))
        m.d.comb += Assert((self.group != 0) | (position == 0))
        return m


class PrefixPopcount(Component):
    """By recurrence: nothing is below bit 0, and each bit adds itself."""

    def __init__(self, width: int) -> None:
        super().__init__({"mask": In(width)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        mask = Signal.like(self.mask)
        m.d.comb += mask.eq(self.mask)
        sums = skipbeat_hw.core.slots.prefix_popcount(m, mask)
        assert len(sums) == len(mask) + 1
        m.d.comb += Assert(sums[0] == 0)
        for bit in range(len(mask)):
            m.d.comb += Assert(sums[bit + 1] == sums[bit] + mask[bit])
            m.d.comb += Cover(sums[bit + 1] == bit + 1)
        return m


class MetadataWords(Component):
    """The fewest words that hold the metadata of a tile that a sound command loads."""

    def __init__(self, hw: Hardware) -> None:
        self.hw, self.layout = hw, struct(tile_fields(hw))
        super().__init__({"tile": In(self.layout)})

    def elaborate(self, _platform: object) -> Module:
        m, array, tile = Module(), self.hw.array, self.tile
        words = skipbeat_hw.core.dispatcher.metadata_words(m, tile, self.hw)
        m.d.comb += Assume(tile.rows <= array.rows)
        for encoding in Encoding:
            for beat in range(1, array.group + 1):
                bits = metadata_bits(encoding, beat, array.group)
                if bits <= array.group:
                    here = (tile.encoding == encoding) & (tile.beat == beat)
                    room = words * self.hw.numbers.weight_bits
                    needed = tile.rows * bits
                    m.d.comb += Assert(~here | (room >= needed))
                    m.d.comb += Assert(~here | (words == 0) | (room < needed + self.hw.numbers.weight_bits))
                    m.d.comb += Cover(here & (tile.rows == array.rows))
        return m


@pytest.mark.parametrize("size", [(8, 4, 8), (16, 8, 7), (5, 16, 3)], ids=str)
def test_words_of_metadata_are_as_few_as_can_be(size: tuple[int, int, int]) -> None:
    rows, group, weight_bits = size
    verdict = bounded(MetadataWords(tiny(rows, 2, group, weight_bits)), 1)
    assert verdict.holds, verdict.log
    verdict = reachable(MetadataWords(tiny(rows, 2, group, weight_bits)), 1)
    assert verdict.holds, verdict.log


def test_a_word_of_metadata_too_few_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = mutant(skipbeat_hw.core.dispatcher, "value + (divisor - 1)", "value + (divisor - 3)").metadata_words
    monkeypatch.setattr(skipbeat_hw.core.dispatcher, "metadata_words", wrong)
    assert not bounded(MetadataWords(tiny(8, 2, 4, 8)), 1).holds


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("claim", [LowestSetBit, PrefixPopcount])
def test_holds_for_all_inputs(claim: Callable[[int], Component], width: int) -> None:
    verdict = bounded(claim(width), 1)
    assert verdict.holds, verdict.log


@pytest.mark.parametrize("width", [1, 3, 6, 12])
def test_prefix_popcount_of_widths_that_are_no_power_of_two(width: int) -> None:
    verdict = bounded(PrefixPopcount(width), 1)
    assert verdict.holds, verdict.log


@pytest.mark.parametrize("claim", [LowestSetBit, PrefixPopcount])
def test_every_answer_occurs(claim: Callable[[int], Component]) -> None:
    verdict = reachable(claim(8), 1)
    assert verdict.holds, verdict.log


def test_a_wrong_bit_of_the_position_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def swapped(m: Module, group: Signal, name: str) -> Signal:
        position = lowest_set_bit(m, group, f"{name}_right")
        wrong = Signal.like(position, name=name)
        m.d.comb += wrong.eq(position ^ (group == 0x80))
        return wrong

    monkeypatch.setattr(skipbeat_hw.core.slots, "lowest_set_bit", swapped)
    verdict = bounded(LowestSetBit(8), 1)
    assert not verdict.holds
    assert all(place.startswith("test_formal_functions.py:") for place in verdict.witness)
    assert verdict.witness
    assert verdict.trace is not None
    assert verdict.trace.stat().st_size > 0


def test_a_popcount_that_is_off_by_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def off_by_one(m: Module, mask: Signal) -> list[Signal]:
        sums = prefix_popcount(m, mask)
        wrong = Signal.like(sums[-1])
        m.d.comb += wrong.eq(sums[-1] - mask.all())
        return [*sums[:-1], wrong]

    monkeypatch.setattr(skipbeat_hw.core.slots, "prefix_popcount", off_by_one)
    assert not bounded(PrefixPopcount(16), 1).holds
