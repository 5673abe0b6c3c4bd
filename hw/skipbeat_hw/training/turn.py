"""Turns M vectors into V bundles, or back."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware

from ..arguments import expect, expect_groups


class Turn(wiring.Component):
    """M vectors of V elements become V bundles of M, V / M bundles in a vector (`skipbeat_arch.training.turning`).

    One vector per clock in and out, without a gap: a half of the buffer fills while the other one is given out. The
    first vector is on `o` a clock after the M-th was taken. `i.ready` does not depend on `o.ready`.

    Parameters
    ----------
    bits: of an element. back: bundles become vectors.

    Members
    -------
    i, o: streams of V elements.

    Raises
    ------
    ValueError: groups of one element, or V no multiple of M.
    """

    def __init__(self, hw: Hardware, *, bits: int = 8, back: bool = False) -> None:
        expect(hw, Hardware)
        expect_groups(hw)
        self.group, self.width, self.back = hw.array.group, hw.array.cols, back
        self.vector = data.ArrayLayout(bits, self.width)
        super().__init__({"i": In(stream.Signature(self.vector)), "o": Out(stream.Signature(self.vector))})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        full = Signal(2)
        # The half and the vector in it that is taken, and that is given, next: the half is the highest bit.
        taking, giving = (Signal(range(2 * self.group), name=name) for name in ("taking", "giving"))
        taken = Signal()
        given = Signal()
        m.d.comb += [
            self.i.ready.eq(~full.bit_select(taking[-1], 1)),
            self.o.valid.eq(full.bit_select(giving[-1], 1)),
            taken.eq(self.i.valid & self.i.ready),
            given.eq(self.o.valid & self.o.ready),
        ]
        m.d.sync += [taking.eq(taking + taken), giving.eq(giving + given)]
        with m.If(taken & taking[:-1].all()):
            m.d.sync += full.bit_select(taking[-1], 1).eq(1)
        with m.If(given & giving[:-1].all()):
            m.d.sync += full.bit_select(giving[-1], 1).eq(0)
        rows = [Signal(self.vector, name=f"row_{n}", reset_less=True) for n in range(2 * self.group)]
        with m.If(taken):
            with m.Switch(taking):
                for n, row in enumerate(rows):
                    with m.Case(n):
                        m.d.sync += row.eq(self.i.payload)
        halves = rows[: self.group], rows[self.group :]
        choices = [self._turned(half, number) for half in halves for number in range(self.group)]
        m.d.comb += self.o.payload.eq(_chosen(choices, giving))
        return m

    def _turned(self, half: list[data.View], number: int) -> Value:
        """A vector that is given out."""
        beside = self.width // self.group
        if self.back:
            places = [divmod(lane, beside) for lane in range(self.width)]
            return Cat(half[row][bundle * self.group + number] for row, bundle in places)
        return Cat(half[k][number * beside + bundle] for bundle in range(beside) for k in range(self.group))


def _chosen(choices: list[Value], number: Value) -> Value:
    """One of them, by a multiplexer for each bit of its number: Yosys makes half the LUT of it that an Array takes."""
    for bit in number:
        choices = [Mux(bit, odd, even) for even, odd in zip(choices[::2], choices[1::2], strict=True)]
    return choices[0]
