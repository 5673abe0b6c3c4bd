"""The selection within each vector: N of M by rank, or one of q without bias."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.training.jobs import SELECT_LATENCY, select_fields
from skipbeat_arch.training.mvue import CHOICE_BITS
from skipbeat_arch.training.ranks import MAGNITUDE_BITS

from ..arguments import expect, expect_groups
from ..layouts import struct
from .draws import Draws

#: A lane of what leaves.
ELEMENT = data.StructLayout({"value": signed(8), "kept": 1})


class SelectLanes(wiring.Component):
    """One vector per clock; a vector is on `o` six clocks after it was taken, and waits there with all behind it.

    By rank: magnitudes, one comparator for each pair of a group, ranks. Without bias: running sums of magnitudes, the
    sum S of each group of q, its product with a draw, and which running sums the product has passed. `i.ready` follows
    `o.ready` in the same clock.

    Members
    -------
    job_i: `select_fields`, the same while vectors are inside. begin_i: the generators begin at its seed.
    i: stream of V bytes. o: stream of V elements {value, kept}.

    Raises
    ------
    ValueError: groups of one element, or V no multiple of M.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        expect_groups(hw)
        self.hw, self.group, self.width = hw, hw.array.group, hw.array.cols
        self.bytes = data.ArrayLayout(signed(8), self.width)
        #: Of a sum of M magnitudes.
        self.sum_bits = MAGNITUDE_BITS + hw.index_bits
        super().__init__(
            {
                "job_i": In(struct(select_fields(hw))),
                "begin_i": In(1),
                "i": In(stream.Signature(self.bytes)),
                "o": Out(stream.Signature(data.ArrayLayout(ELEMENT, self.width))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        there = Signal(SELECT_LATENCY)
        advance = Signal()
        m.d.comb += [advance.eq(~there[-1] | self.o.ready), self.i.ready.eq(advance), self.o.valid.eq(there[-1])]
        m.submodules.draws = draws = Draws(self.width // 2)
        m.d.comb += [
            draws.seed_i.eq(self.job_i.seed),
            draws.begin_i.eq(self.begin_i),
            draws.next_i.eq(advance & there[2]),
        ]
        with m.If(advance):
            m.d.sync += there.eq(Cat(self.i.valid, there[:-1]))
            values = self._later(m, self.i.payload, "values", 5)
            sizes = self._sizes(m)
            ends = self._ends(m, sizes)
            ranked = self._later(m, self._ranked(m, sizes), "ranked", 2)[-1]
            thresholds, shares = self._shared(m, ends[0], draws.draws_o)
            self._give(m, values[-1], ends[-1], ranked, thresholds, shares)
        return m

    def _later(self, m: Module, value: Value, name: str, stages: int) -> list[Signal]:
        """A value in each of the following stages."""
        line = [Signal.like(value, name=f"{name}_{stage}", reset_less=True) for stage in range(stages)]
        m.d.sync += [later.eq(earlier) for earlier, later in pairwise((value, *line))]
        return line

    def _sizes(self, m: Module) -> data.View:
        """Magnitudes; that of -128, which has 8 bits, counts as 127."""
        sizes = Signal(data.ArrayLayout(MAGNITUDE_BITS, self.width), name="sizes", reset_less=True)
        for size, value in zip(sizes, self.i.payload, strict=True):
            bits = value.as_unsigned()
            negative = bits[-1]
            positive = (bits[:-1] ^ negative.replicate(MAGNITUDE_BITS)) + negative
            m.d.sync += size.eq(positive[:MAGNITUDE_BITS] | positive[-1].replicate(MAGNITUDE_BITS))
        return sizes

    def _ends(self, m: Module, sizes: data.View) -> list[data.View]:
        """Running sums of each group, in four stages."""
        ends = Signal(data.ArrayLayout(self.sum_bits, self.width), name="ends", reset_less=True)
        for begin in range(0, self.width, self.group):
            sums = _running([sizes[begin + k] for k in range(self.group)])
            m.d.sync += [ends[begin + k].eq(each) for k, each in enumerate(sums)]
        return [ends, *self._later(m, ends, "ends", 3)]

    def _ranked(self, m: Module, sizes: data.View) -> Signal:
        """Which elements have a rank below N, two stages after the magnitudes."""
        kept = Signal(self.width, name="below_n", reset_less=True)
        for begin in range(0, self.width, self.group):
            first = {
                (i, j): Signal(name=f"first_{begin}_{i}_{j}", reset_less=True)
                for j in range(self.group)
                for i in range(j)
            }
            m.d.sync += [is_first.eq(sizes[begin + i] >= sizes[begin + j]) for (i, j), is_first in first.items()]
            for k in range(self.group):
                before = [first[i, k] for i in range(k)] + [~first[k, j] for j in range(k + 1, self.group)]
                m.d.sync += kept[begin + k].eq(_total(before) < self.job_i.n)
        return kept

    def _shared(self, m: Module, ends: data.View, draws: data.View) -> tuple[list[Signal], list[Signal]]:
        """For each two lanes, if they are the first of a group of q: which running sum its draw has come to, and what
        each of its elements becomes. Three stages after the running sums."""
        thresholds, shares = [], []
        for pair, draw in enumerate(draws):
            lane = 2 * pair
            base = ends[lane - 1] if lane % self.group else Const(0, self.sum_bits)
            sizes = [q for q in self._sizes_of_groups() if lane % q == 0]
            total = Signal(self.sum_bits, name=f"total_{pair}", reset_less=True)
            product = Signal(self.sum_bits, name=f"product_{pair}", reset_less=True)
            share = Signal(MAGNITUDE_BITS, name=f"share_{pair}", reset_less=True)
            threshold = Signal(self.sum_bits, name=f"threshold_{pair}", reset_less=True)
            rounded = [((total + draw[: q.bit_length() - 1]) >> (q.bit_length() - 1))[:MAGNITUDE_BITS] for q in sizes]
            _, before = self._later(m, base, f"base_{pair}", 2)
            m.d.sync += [
                total.eq(self._of_q([ends[lane + q - 1] - base for q in sizes])),
                product.eq((total * draw[-CHOICE_BITS:]) >> CHOICE_BITS),
                share.eq(self._of_q(rounded)),
                threshold.eq(before + product),
            ]
            thresholds.append(threshold)
            shares.append(self._later(m, share, f"share_{pair}", 1)[-1])
        return thresholds, shares

    def _give(
        self,
        m: Module,
        values: data.View,
        ends: data.View,
        ranked: Signal,
        thresholds: list[Signal],
        shares: list[Signal],
    ) -> None:
        """The last stage: what is kept, and its value."""
        sizes = self._sizes_of_groups()
        passed = Signal(self.width + 1)
        first = Signal(self.width + 1)
        m.d.comb += [passed[-1].eq(1), first[-1].eq(1)]
        for lane, (value, element) in enumerate(zip(values, self.o.payload, strict=True)):
            leaders = [lane // q * q // 2 for q in sizes]
            m.d.comb += first[lane].eq(self._of_q([Const(lane % q == 0) for q in sizes]))
            if lane % self.group:
                m.d.comb += passed[lane].eq(ends[lane - 1] <= self._of_q([thresholds[each] for each in leaders]))
            share = self._of_q([shares[each] for each in leaders])
            unbiased = (first[lane] | passed[lane]) & (first[lane + 1] | ~passed[lane + 1])
            kept = Mux(self.job_i.unbiased, unbiased, ranked[lane])
            chosen = Mux(self.job_i.unbiased, Mux(value < 0, -share, share), value)
            m.d.sync += [element.kept.eq(kept), element.value.eq(Mux(kept, chosen, 0))]

    def _sizes_of_groups(self) -> list[int]:
        """Every q."""
        return [2 << level for level in range(self.hw.index_bits)]

    def _of_q(self, choices: list[Value]) -> Value:
        """That of the job's q, from the smallest q on; without one of it, the last."""
        found = choices[-1]
        for level in reversed(range(len(choices) - 1)):
            found = Mux(self.job_i.log_q == level + 1, choices[level], found)
        return found


def _running(values: list[Value]) -> list[Value]:
    """Sums of the first 1, 2, … values, by halves."""
    if len(values) == 1:
        return values
    half = len(values) // 2
    low, high = _running(values[:half]), _running(values[half:])
    return [*low, *(low[-1] + each for each in high)]


def _total(bits: list[Value]) -> Value:
    """How many are 1."""
    if len(bits) == 1:
        return bits[0]
    half = len(bits) // 2
    return _total(bits[:half]) + _total(bits[half:])
