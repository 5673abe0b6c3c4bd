"""What is proved of the components of training that compute: the numbers of a store, and the update of a weight."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component

from skipbeat_arch.training.jobs import ROUNDING_LATENCY, UPDATE_LATENCY
from skipbeat_arch.training.lfsr import DRAW_BITS, FIXED_BIT, SEED_BITS, spread
from skipbeat_arch.training.ranks import LARGEST
from skipbeat_arch.training.rounding import MOST_SHIFT, SUM_BITS
from skipbeat_hw.tools.formal import register
from tests.hw.core.formal_invariants import Wrapped
from tests.hw.core.symbolic_tile import total
from tests.hw.machine.formal_parts import implies, stays


class PeakRules(Wrapped):
    """The bits are those of the largest magnitude since the beginning, and all clipped sums are counted; for ever.

    Ghosts: the last two items, the largest magnitude by comparison, and the count.
    """

    def __init__(self, peak: Component) -> None:
        self.lanes = peak.lanes
        super().__init__(peak)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        sizes = [[Signal(SUM_BITS, name=f"size_{lane}_{age}") for lane in range(self.lanes)] for age in range(3)]
        flags = [Signal(2 + self.lanes, name=f"flags_{age}") for age in range(3)]
        m.d.comb += [size.eq(abs(each)) for size, each in zip(sizes[0], self.sums_i, strict=True)]
        m.d.comb += flags[0].eq(Cat(self.begin_i, self.valid_i, self.clipped_i))
        for younger, older in (*pairwise(sizes), *pairwise([flag] for flag in flags)):
            m.d.sync += [after.eq(before) for before, after in zip(younger, older, strict=True)]
        (begin, valid), clipped = flags[2][:2], flags[2][2:]
        largest, clips = Signal(SUM_BITS), Signal.like(self.clips_o)
        with m.If(begin | valid):
            found = Mux(valid, _largest(sizes[2]), 0)
            before = Mux(begin, 0, largest)
            m.d.sync += largest.eq(Mux(found > before, found, before))
            m.d.sync += clips.eq(Mux(begin, 0, clips) + Mux(valid, total(clipped), 0))
        united: Value = Const(0, SUM_BITS)
        for lane, size in enumerate(sizes[1]):
            m.d.comb += Assert(register(inside, f"size_{lane}") == size)
            united = united | sizes[2][lane]
        m.d.comb += [
            Assert(register(inside, "united") == united),
            Assert(register(inside, "begin") == Cat(flags[1][0], flags[2][0])),
            Assert(register(inside, "valid") == Cat(flags[1][1], flags[2][1])),
            Assert(register(inside, "clips") == total(flags[1][2:])),
            Assert(register(inside, "counted") == total(flags[2][2:])),
            Assert(self.clips_o == clips),
            Assert(self.bits_o <= SUM_BITS),
            *(Assert((largest >> bits == 0) == (self.bits_o <= bits)) for bits in range(SUM_BITS)),
            Cover((self.bits_o == SUM_BITS) & (self.clips_o == self.lanes + 1)),
        ]
        return m


class DrawsRules(Wrapped):
    """Draws are the sequence of bits that begins with the seed, 32 at a time; for ever.

    None is 0 once they have begun, and no two generators draw the same.
    """

    def __init__(self, draws: Component) -> None:
        self.count = draws.count
        super().__init__(draws)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        self.place(m)
        begun, drawn = Signal(), [Signal(DRAW_BITS, name=f"drawn_{k}") for k in range(self.count)]
        m.d.sync += begun.eq(begun | self.begin_i)
        for k, draw in enumerate(drawn):
            m.d.sync += draw.eq(Mux(self.begin_i, _first(self.seed_i, k), Mux(self.next_i, _following(draw), draw)))
            m.d.comb += [Assert(self.draws_o[k] == draw), implies(begun, draw != 0)]
            m.d.comb += [implies(begun, draw != other) for other in drawn[:k]]
        m.d.comb += Cover(begun & (drawn[0] == 1))
        return m


class RoundingStream(Wrapped):
    """Each sum that is taken has the next draw, the first one after a beginning the seed's; for ever.

    As many sums are inside as were taken, and what is on offer stays until it is taken.
    """

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside, job, i, o = self.place(m), self.job_i, self.i, self.o
        there, (state,) = register(inside, "there"), (register(part, "state_0") for part, *_ in inside.subfragments)
        before, count = Signal(len(job.as_value())), Signal(range(len(there) + 1))
        draw, fresh = Signal(DRAW_BITS), Signal(DRAW_BITS)
        taken = i.valid & i.ready
        m.d.comb += fresh.eq(Mux(self.begin_i, _first(job.seed, 0), draw))
        m.d.sync += [before.eq(job.as_value()), draw.eq(Mux(taken, _following(fresh), fresh))]
        m.d.sync += count.eq(count + taken - (o.valid & o.ready))
        due = Mux(there[0], _following(state), state)
        m.d.comb += [
            Assume((there == 0) | ((before == job.as_value()) & ~self.begin_i)),
            Assert(draw == Mux(there[1], _following(due), due)),
            Assert(total(there) == count),
            implies(o.ready, i.ready),
            implies(~o.valid, i.ready),
            Cover(o.valid & there.all() & (draw != 0)),
        ]
        stays(m, o.valid, o.ready, o.payload.as_value())
        return m


class RoundingRule(Wrapped):
    """A byte is its sum and draw, shifted and clamped, for all sums, shifts and seeds.

    Of the first sum, with nothing in its way: all that is inside waits as a whole, which `RoundingStream` shows.
    """

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        self.place(m)
        job, made = self.job_i, self.o.payload[0]
        clock, came, told = Signal(range(2 * ROUNDING_LATENCY)), Signal(signed(SUM_BITS)), Signal(job.shape())
        m.d.sync += clock.eq(Mux(clock > ROUNDING_LATENCY, clock, clock + 1))
        with m.If(clock == 0):
            m.d.sync += [came.eq(self.i.payload[0]), told.eq(job)]
        same = (clock == 0) | (told.as_value() == job.as_value())
        m.d.comb += Assume(self.o.ready & self.i.valid & same & (self.begin_i == (clock == 0)))
        shift = Mux(told.shift > MOST_SHIFT, MOST_SHIFT, told.shift)
        rounded = (came + ((_first(told.seed, 0) << shift) >> DRAW_BITS)) >> shift
        byte, now = _clamped(rounded, -LARGEST, LARGEST), clock == ROUNDING_LATENCY
        m.d.comb += [
            implies(now, self.o.valid, made.value == byte, made.clipped == (byte != rounded)),
            Cover(now & made.clipped & (made.value < 0)),
        ]
        return m


class UpdateStream(Wrapped):
    """As many weights are inside an update as were taken, and what is on offer stays until it is taken; for ever."""

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        there, o = register(self.place(m), "there"), self.o
        taken = Signal(range(len(there) + 1))
        m.d.sync += taken.eq(taken + (self.i.valid & self.i.ready) - (o.valid & o.ready))
        m.d.comb += [
            Assert(total(there) == taken),
            implies(o.ready, self.i.ready),
            implies(~o.valid, self.i.ready),
            Cover(o.valid & there.all()),
        ]
        stays(m, o.valid, o.ready, o.payload.as_value())
        return m


class UpdateRule(Wrapped):
    """Weight and momentum that leave are those of the rule; byte and size are the weight's.

    Of the first weight, with nothing in its way: all that is inside waits as a whole, which `UpdateStream` shows.

    Parameters
    ----------
    bits: of weights and momenta; gradients have two more. mantissa_bits, most_shift: of the coefficients.
    """

    def __init__(self, part: Component, bits: int, mantissa_bits: int, most_shift: int) -> None:
        self.bits, self.mantissa_bits, self.most_shift = bits, mantissa_bits, most_shift
        super().__init__(part)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        self.place(m)
        job, given, made = self.job_i, self.i.payload, self.o.payload
        clock, came, told = Signal(range(2 * UPDATE_LATENCY)), Signal(given.shape()), Signal(job.shape())
        m.d.sync += clock.eq(Mux(clock > UPDATE_LATENCY, clock, clock + 1))
        with m.If(clock == 0):
            m.d.sync += [came.eq(given), told.eq(job)]
        for name in ("momentum", "gradient", "decay", "dropped_decay", "rate"):
            m.d.comb += Assume(job[f"{name}_mantissa"] < (1 << self.mantissa_bits))
            m.d.comb += Assume(job[f"{name}_shift"] <= self.most_shift)
        m.d.comb += Assume(self.o.ready & self.i.valid & ((clock == 0) | (told.as_value() == job.as_value())))
        weight, momentum, byte = self._rule(m, told, came)
        now = clock == UPDATE_LATENCY
        m.d.comb += [
            implies(now, self.o.valid, made.momenta[0] == momentum, made.weights[0] == weight),
            implies(now, made.bytes[0] == byte),
            *(implies(now, (abs(weight) >> bits == 0) == (made.sizes[0] <= bits)) for bits in range(self.bits)),
            Cover(now & (made.bytes[0] == LARGEST) & (made.momenta[0] < 0)),
        ]
        return m

    def _rule(self, m: Module, job: data.View, came: data.View) -> tuple[Signal, Signal, Value]:
        """Weight, momentum and byte."""
        low, high = -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1

        def times(value: Value, name: str) -> Value:
            return _rounded(value * job[f"{name}_mantissa"][: self.mantissa_bits], job[f"{name}_shift"][:4])

        old, momentum, weight = came.weights[0], Signal(signed(self.bits)), Signal(signed(self.bits))
        decayed = Mux(came.kept[0], times(old, "decay"), times(old, "dropped_decay"))
        moved = times(came.momenta[0], "momentum") + times(came.gradients[0], "gradient") + decayed
        m.d.comb += momentum.eq(_clamped(moved, low, high))
        m.d.comb += weight.eq(_clamped(old - times(momentum, "rate"), low, high))
        return weight, momentum, _clamped(_rounded(weight, came.shifts[0]), -LARGEST, LARGEST)


def _first(seed: Value, generator: int) -> Value:
    """The draw that a generator begins with."""
    begin = seed ^ Const(spread(generator), SEED_BITS)
    return Cat(begin[:FIXED_BIT], Const(1), begin[FIXED_BIT:])


def _following(draw: Value) -> Value:
    """The next draw, one bit of the sequence after the other."""
    bits = list(draw)
    for n in range(DRAW_BITS):
        bits.append(bits[n + 22] ^ bits[n + 2] ^ bits[n + 1] ^ bits[n])
    return Cat(bits[DRAW_BITS:])


def _largest(sizes: list[Signal]) -> Value:
    found: Value = Const(0, SUM_BITS)
    for size in sizes:
        found = Mux(size > found, size, found)
    return found


def _rounded(value: Value, shift: Value) -> Value:
    """value / 2^shift, halves rounded up: the half is added first."""
    half = Mux(shift == 0, 0, (Const(1, 1) << shift) >> 1)
    return (value + Cat(half, Const(0, 1)).as_signed()) >> shift


def _clamped(value: Value, low: int, high: int) -> Value:
    return Mux(value > high, high, Mux(value < low, low, value))
