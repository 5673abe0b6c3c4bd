"""Generators of pseudo-random draws, side by side."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Signal
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.training.lfsr import DRAW_BITS, FIXED_BIT, SEED_BITS, TAPS, spread


class Draws(wiring.Component):
    """`count` shift registers (`skipbeat_arch.training.lfsr`) that go 32 bits on at a time.

    Members
    -------
    seed_i, begin_i: the first draws follow from the seed, in the next clock. next_i: the draws after these, in the next
    clock. draws_o: 32 bits of each generator; all 0 until it has begun.

    Raises
    ------
    ValueError: no generators.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"expected at least one generator, not {count!r}")
        self.count = count
        super().__init__(
            {
                "seed_i": In(SEED_BITS),
                "begin_i": In(1),
                "next_i": In(1),
                "draws_o": Out(data.ArrayLayout(DRAW_BITS, count)),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        for k in range(self.count):
            state = Signal(DRAW_BITS, name=f"state_{k}", reset_less=True)
            m.d.comb += self.draws_o[k].eq(state)
            with m.If(self.begin_i):
                begin = self.seed_i ^ Const(spread(k), SEED_BITS)
                m.d.sync += state.eq(Cat(begin[:FIXED_BIT], Const(1), begin[FIXED_BIT:]))
            with m.Elif(self.next_i):
                m.d.sync += state.eq(_advanced(state))
        return m


def _advanced(state: Value) -> Value:
    """The next 32 bits of the sequence, each as an exclusive or of bits of the state: what comes twice is left out."""
    terms = [{bit} for bit in range(DRAW_BITS)]
    for known in range(DRAW_BITS, 2 * DRAW_BITS):
        found: set[int] = set()
        for tap in TAPS:
            found ^= terms[known - DRAW_BITS + tap]
        terms.append(found)
    return Cat(Cat(state[bit] for bit in sorted(each)).xor() for each in terms[DRAW_BITS:])
