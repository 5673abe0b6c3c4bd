"""What is proved of the components of training (docs/training.md lists it)."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Assert, Assume, Cat, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import Component

from skipbeat_hw.tools.formal import register
from tests.hw.core.formal_invariants import Wrapped
from tests.hw.core.symbolic_tile import total
from tests.hw.machine.formal_parts import implies, stays


def turn_level(m: Module, inside: Fragment, group: int) -> Value:
    """Vectors in a turn, by its registers; asserts what these keep to for ever."""
    full, taking, giving = (register(inside, name) for name in ("full", "taking", "giving"))
    here, other = full.bit_select(giving[-1], 1), full.bit_select(~giving[-1], 1)
    apart = taking[-1] != giving[-1]
    m.d.comb += [
        implies(apart, here, ~other),
        implies(~apart & ~here, giving[:-1] == 0, ~other),
        implies(~apart & here, taking[:-1] == 0, other),
    ]
    level = Signal(range(2 * group + 1))
    m.d.comb += level.eq(Mux(full.all(), 2 * group - giving[:-1], (taking - giving)[: len(taking)]))
    return level


class TurnRules(Wrapped):
    """Vectors come out turned, each once and in order, and stay until they are taken; for ever.

    Ghosts: the last 2M vectors that were taken, and how many are inside.
    """

    def __init__(self, turn: Component) -> None:
        self.group, self.width, self.back = turn.group, turn.width, turn.back
        super().__init__(turn)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        i, o, group = self.i, self.o, self.group
        level = Signal(range(2 * group + 1))
        put, got = (Signal(range(2 * group), name=name) for name in ("put", "got"))
        taken, given = i.valid & i.ready, o.valid & o.ready
        m.d.sync += [level.eq(level + taken - given), put.eq(put + taken), got.eq(got + given)]
        seen = [Signal(i.payload.shape(), name=f"seen_{n}") for n in range(2 * group)]
        for n, vector in enumerate(seen):
            with m.If(taken & (put == n)):
                m.d.sync += vector.eq(i.payload)
            m.d.comb += Assert(register(inside, f"row_{n}") == vector.as_value())
        m.d.comb += [
            Assert(register(inside, "taking") == put),
            Assert(register(inside, "giving") == got),
            Assert(turn_level(m, inside, group) == level),
            Assert(level <= 2 * group),
            implies(level < group, i.ready, ~o.valid | (got[:-1] != 0)),
            Cover((level == 2 * group) & o.ready),
            Cover(taken & given & (level == group)),
        ]
        for n in range(2 * group):
            half, number = seen[n // group * group :][:group], n % group
            m.d.comb += implies(o.valid & (got == n), o.payload.as_value() == self._expected(half, number))
        stays(m, o.valid, o.ready, o.payload.as_value())
        return m

    def _expected(self, half: list[data.View], number: int) -> Value:
        """Vector `number` of a turned half, from the mathematics: element [a][b] becomes [b][a]."""
        rows, cols = (self.width, self.group) if self.back else (self.group, self.width)
        flat = [element for vector in half for element in vector]
        turned = [flat[row * cols + col] for col in range(cols) for row in range(rows)]
        return Cat(turned[number * self.width : (number + 1) * self.width])


class LanesRules(Wrapped):
    """What the selection within vectors keeps, whatever its values, its draws and their timing.

    By rank, exactly N of each group, and none that is smaller, or later of two alike, than one that is dropped; the
    values are those that came. Without bias exactly one of each q. What is dropped is 0.
    """

    def __init__(self, lanes: Component) -> None:
        self.group, self.width, self.levels = lanes.group, lanes.width, lanes.hw.index_bits
        super().__init__(lanes)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        there, job, o = register(inside, "there"), self.job_i, self.o
        before, later = Signal(len(job.as_value())), Signal()
        m.d.sync += [before.eq(job.as_value()), later.eq(1)]
        m.d.comb += [
            Assume(~later | (before == job.as_value())),
            Assume((job.n != 0) & (job.n <= self.group) & (job.log_q != 0) & (job.log_q <= self.levels)),
        ]
        history = [self.i.payload, *(Signal(self.i.payload.shape(), name=f"came_{n}") for n in range(len(there)))]
        with m.If(self.i.ready):
            m.d.sync += [after.eq(earlier) for earlier, after in pairwise(history)]
        came, kept = history[-1], [element.kept for element in o.payload]
        sizes = [_size(value) for value in came]
        for lane, element in enumerate(o.payload):
            m.d.comb += [
                implies(o.valid & ~element.kept, element.value == 0),
                implies(o.valid & element.kept & ~job.unbiased, element.value == came[lane]),
            ]
        for begin in range(0, self.width, self.group):
            group = range(begin, begin + self.group)
            m.d.comb += implies(o.valid & ~job.unbiased, total(Cat(kept[k] for k in group)) == job.n)
            for k in group:
                for other in group:
                    larger = sizes[k] >= sizes[other] if k < other else sizes[k] > sizes[other]
                    m.d.comb += implies(o.valid & ~job.unbiased & kept[k] & ~kept[other], (k == other) | larger)
        for level in range(1, self.levels + 1):
            q = 1 << level
            for begin in range(0, self.width, q):
                ones = total(Cat(kept[begin : begin + q]))
                m.d.comb += implies(o.valid & job.unbiased & (job.log_q == level), ones == 1)
        m.d.comb += Cover(o.valid & job.unbiased & there.all())
        stays(m, o.valid, o.ready, o.payload.as_value())
        return m


class SelectRules(Wrapped):
    """Of each job as many vectors leave as it has, and nothing is inside when the next is taken; for ever.

    What is on offer stays until it is taken.
    """

    def __init__(self, select: Component) -> None:
        self.group = select.hw.array.group
        super().__init__(select)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        parts = {name: fragment for fragment, name, *_ in inside.subfragments}
        turn, back = (turn_level(m, parts[name], self.group) for name in ("turn", "back"))
        in_lanes = total(register(parts["lanes"], "there"))
        entering, leaving, busy, more = (register(inside, name) for name in ("entering", "leaving", "busy", "more"))
        time = register(inside, "job")[self._along_time()]
        low = len(register(parts["turn"], "taking")) - 1
        taken, turned, given_back, left = (
            register(parts[part], name)[:low]
            for part, name in (("turn", "taking"), ("turn", "giving"), ("back", "taking"), ("back", "giving"))
        )
        m.d.comb += [
            Assert(leaving == entering + turn + in_lanes + back),
            Assert(busy == (leaving != 0)),
            Assert(more == (entering != 0)),
            implies(~time | ~busy, turn == 0, back == 0, taken == 0, turned == 0, given_back == 0, left == 0),
            implies(time & busy, (entering + taken)[:low] == 0, (leaving + left)[:low] == 0),
            implies(time & busy, (turned - in_lanes - given_back)[:low] == 0),
            implies(self.jobs.ready, ~self.i.ready, ~self.o.valid, turn + in_lanes + back == 0),
            Cover(busy & time & (back != 0) & (turn != 0)),
            Cover(busy & ~time & (in_lanes == 6)),
        ]
        stays(m, self.o.valid, self.o.ready, self.o.payload.as_value())
        return m

    def _along_time(self) -> int:
        return int(self.jobs.payload.shape()["along_time"].offset)


def _size(value: Value) -> Value:
    """A byte's magnitude, at most 127."""
    return Mux(value == -128, 127, abs(value))[:7]
