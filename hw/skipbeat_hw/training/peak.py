"""What a store says of its sums: how large the largest is, and how many were clipped."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.training.jobs import CLIP_BITS
from skipbeat_arch.training.rounding import SUM_BITS


class Peak(wiring.Component):
    """Bits of the largest magnitude of all sums since the beginning, and how many of them were clipped.

    An item per clock. What it adds is in the outputs 3 clocks later. Scales are powers of two, so of the largest
    magnitude only its bits count, and these are those of all magnitudes or'ed together.

    Parameters
    ----------
    lanes: sums of an item.

    Members
    -------
    begin_i: forget what came before; an item of this clock is the first. valid_i: there is an item. sums_i: its sums.
    clipped_i: which of them are clipped. bits_o: of the largest magnitude, 0 to 40. clips_o: how many were clipped.

    Raises
    ------
    ValueError: no lanes.
    """

    def __init__(self, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"expected at least one lane, not {lanes!r}")
        self.lanes = lanes
        super().__init__(
            {
                "begin_i": In(1),
                "valid_i": In(1),
                "sums_i": In(data.ArrayLayout(signed(SUM_BITS), lanes)),
                "clipped_i": In(lanes),
                "bits_o": Out(range(SUM_BITS + 1)),
                "clips_o": Out(CLIP_BITS),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        begin = Signal(2)
        valid = Signal(2)
        m.d.sync += [begin.eq(Cat(self.begin_i, begin[0])), valid.eq(Cat(self.valid_i, valid[0]))]
        sizes = [Signal(SUM_BITS, name=f"size_{lane}", reset_less=True) for lane in range(self.lanes)]
        m.d.sync += [size.eq(abs(total)) for size, total in zip(sizes, self.sums_i, strict=True)]
        ones = Signal(SUM_BITS)
        united = Signal(SUM_BITS, reset_less=True)
        clips, counted = (Signal(range(self.lanes + 1), name=name, reset_less=True) for name in ("clips", "counted"))
        m.d.sync += [united.eq(_union(sizes)), clips.eq(_ones(self.clipped_i)), counted.eq(clips)]
        with m.If(begin[1] | valid[1]):
            found, more = Mux(valid[1], united, 0), Mux(valid[1], counted, 0)
            m.d.sync += ones.eq(Mux(begin[1], 0, ones) | found)
            m.d.sync += self.clips_o.eq(Mux(begin[1], 0, self.clips_o) + more)
        for bit in range(SUM_BITS):
            with m.If(ones[bit]):
                m.d.comb += self.bits_o.eq(bit + 1)
        return m


def _union(sizes: list[Signal]) -> Value:
    found: Value = Const(0, SUM_BITS)
    for size in sizes:
        found = found | size
    return found


def _ones(bits: Value) -> Value:
    """How many are set."""
    total: Value = bits[0]
    for bit in bits[1:]:
        total = total + bit
    return total
