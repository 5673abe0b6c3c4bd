"""One lane of the output stage: a column's sum and residual to its byte."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.numbers import MULTIPLIER_BITS
from skipbeat_arch.training.rounding import SUM_BITS

#: Bits of the lower part of a factor: with its sign, what a multiplier of 18 × 18 bits takes.
LOW = 17
#: Bits of a number that holds every result and, beyond both its ends, one that the clamp treats like any other.
KEPT = 9


def parameters(cols: int) -> data.StructLayout:
    """A block's parameters, column by column, as their vectors lie in memory."""
    return data.StructLayout(
        {
            "bias": data.ArrayLayout(signed(32), cols),
            "multiplier": data.ArrayLayout(32, cols),
            "residual_multiplier": data.ArrayLayout(32, cols),
            "shift": data.ArrayLayout(8, cols),
        }
    )


class Requantiser(wiring.Component):
    """`clamp((sum·multiplier + residual·residual_multiplier + 2**(shift - 1)) >> shift, low, high)` in 7 clocks.

    One column per clock, without stalls. The product is made of four partial ones. The shift keeps 9 bits and a bit
    more, which rounds; whether what it drops above them is anything but sign is noted, and the number is the nearest
    one of 9 bits then. Rounding is half up.

    Parameters
    ----------
    notes: whether it tells what is noted of a column.

    Members
    -------
    sum_i, residual_i, multiplier_i, residual_multiplier_i, shift_i: a column. low_i, high_i: held while columns are on
    their way, and while bytes leave. byte_o: a choice among registers. With `notes` only: noted_i: held as well; a sum
    above 0 becomes at least 1 if `low` is 0. scaled_o: the low 40 bits of what is shifted, 4 clocks after the column.
    clipped_o: with the byte, whether it was clamped, but below a `low` of -128 or 0 and more.
    """

    #: Clocks from a column to its byte.
    LATENCY = 7

    def __init__(self, notes: bool = False) -> None:
        self._notes = notes
        noted = {"noted_i": In(1), "scaled_o": Out(signed(SUM_BITS)), "clipped_o": Out(1)}
        super().__init__(
            {
                "sum_i": In(signed(33)),
                "residual_i": In(signed(8)),
                "multiplier_i": In(MULTIPLIER_BITS),
                "residual_multiplier_i": In(MULTIPLIER_BITS),
                "shift_i": In(6),
                "low_i": In(signed(8)),
                "high_i": In(signed(8)),
                "byte_o": Out(signed(8)),
            }
            | (noted if notes else {})
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        total = self._product(m)
        shifts = [Signal(unsigned(6), name=f"shift_{i}", reset_less=True) for i in range(5)]
        for earlier, later in zip((self.shift_i, *shifts), shifts, strict=False):
            m.d.sync += later.eq(earlier)
        kept = self._shift(m, total, shifts[3], shifts[4])
        # Three sums side by side: `kept` is twice the number, and its lowest bit the carry that rounds.
        whole, half = kept[1:].as_signed(), kept[0]
        low, high = self.low_i, self.high_i
        less = Signal(signed(len(low) + 1), reset_less=True)
        m.d.sync += less.eq(-low)
        # The sign of a difference: a comparison would need two carries of its chain.
        is_over = (Cat(Const(0), high).as_signed() - kept)[-1]
        is_under = (Cat(Const(1), whole).as_signed() + Cat(half, less).as_signed())[-1]
        rounded = (kept + 1) >> 1
        over, under = (Signal(name=name, reset_less=True) for name in ("over", "under"))
        inside = Signal(signed(8), reset_less=True)
        if self._notes:
            rounded = rounded | self._least(m, total, kept)
            m.d.comb += self.scaled_o.eq(total)
            m.d.comb += self.clipped_o.eq(over | (under & low[-1]))
        m.d.sync += [over.eq(is_over), under.eq(is_under), inside.eq(rounded)]
        m.d.comb += self.byte_o.eq(Mux(under, low, Mux(over, high, inside)))
        return m

    def _least(self, m: Module, total: Signal, kept: Signal) -> Value:
        """1 if the byte must be at least 1, and would be 0."""
        positive, later = (Signal(name=f"positive_{clock}", reset_less=True) for clock in range(2))
        m.d.sync += [positive.eq(~total[-1] & total.any()), later.eq(positive)]
        return later & ~kept.any() & self.noted_i & ~self.low_i.any()

    def _product(self, m: Module) -> Signal:
        """Four clocks: partial products, those of like weight, the residual's, their sum (65 bits)."""

        def register(bits: int, name: str, *, sign: bool = True) -> Signal:
            return Signal(signed(bits) if sign else unsigned(bits), name=name, reset_less=True)

        low, high = self.sum_i[:LOW], self.sum_i[LOW:].as_signed()
        factor_low, factor_high = self.multiplier_i[:LOW], self.multiplier_i[LOW:]
        other_low, other_high = self.residual_multiplier_i[:LOW], self.residual_multiplier_i[LOW:]
        lows, low_high = register(34, "lows", sign=False), register(31, "low_high", sign=False)
        high_low, highs = register(33, "high_low"), register(30, "highs")
        rest_low, rest_high = register(25, "rest_low"), register(22, "rest_high")
        m.d.sync += [
            lows.eq(low * factor_low),
            low_high.eq(low * factor_high),
            high_low.eq(high * factor_low),
            highs.eq(high * factor_high),
            rest_low.eq(self.residual_i * other_low),
            rest_high.eq(self.residual_i * other_high),
        ]
        ends = register(64, "ends")
        middle = register(34, "middle")
        rest = register(40, "rest")
        m.d.sync += [
            ends.eq(Cat(lows, highs)),
            middle.eq(low_high + high_low),
            rest.eq(Cat(rest_low[:LOW], rest_low[LOW:].as_signed() + rest_high)),
        ]
        upper = register(47, "upper")
        both = register(35, "both")
        bottom = register(LOW + 1, "bottom", sign=False)
        m.d.sync += [upper.eq(ends[LOW:]), both.eq(middle + rest[LOW:].as_signed()), bottom.eq(ends[:LOW] + rest[:LOW])]
        total = register(65, "total")
        # The carry enters below the lowest bit, so that this is one addition.
        above = (Cat(Const(1), upper).as_signed() + Cat(bottom[LOW], both).as_signed())[1 : 66 - LOW]
        m.d.sync += total.eq(Cat(bottom[:LOW], above))
        return total

    def _shift(self, m: Module, total: Signal, coarse: Value, fine: Value) -> Signal:
        """Two clocks: `2·total >> shift`, or the nearest number of 9 bits, its lowest bit being the half."""
        sign = total[-1]
        doubled = Cat(Const(0), total, sign.replicate(6))
        # Where a bit is not the sign's: of a number that fits, none is from bit KEPT - 1 on.
        other = doubled ^ sign.replicate(len(doubled))
        first = Signal(24, reset_less=True)
        excess = Signal(reset_less=True)
        negative = Signal(reset_less=True)
        #: Which bits of `first` are dropped above those that are kept, its last one apart, which always is.
        dropped = Signal(15, reset_less=True)
        m.d.sync += [
            first.eq(_select([other[at : at + 24] for at in range(0, 64, 16)], coarse[4:])),
            excess.eq(
                Cat((coarse[4:] <= turn) & other[at : at + 16].any() for turn, at in enumerate((24, 40, 56))).any()
            ),
            negative.eq(sign),
            dropped.eq(Cat(coarse[:4] <= bit for bit in range(15))),
        ]
        second = _select([first[at : at + 12] for at in range(0, 16, 4)], fine[2:4])
        third = _select([second[at : at + KEPT] for at in range(4)], fine[:2])
        over = excess | first[-1] | (first[KEPT - 1 : -1] & dropped).any()
        kept = Signal(signed(KEPT), reset_less=True)
        outermost = Cat(Const(1).replicate(KEPT - 1), Const(0))
        m.d.sync += kept.eq(Mux(over, outermost, third) ^ negative.replicate(KEPT))
        return kept


def _select(values: Sequence[Value], index: Value) -> Value:
    """One of 2**n values; a tree of multiplexers."""
    if len(values) == 1:
        return values[0]
    return _select([Mux(index[0], odd, even) for even, odd in zip(values[::2], values[1::2], strict=True)], index[1:])
