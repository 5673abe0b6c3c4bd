"""The output stage: pooling, bias, residual, requantisation and clamp, a few columns per clock."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Array, Cat, Module, Mux, Signal, signed, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.depths import PLACED_VECTORS, RAW_VECTORS
from skipbeat_arch.instruction import INSTRUCTION_BITS
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine
from skipbeat_arch.machine_ports import LOCAL_BITS, noted_fields, store_fields, vector_fields
from skipbeat_arch.numbers import MULTIPLIER_BITS

from ..arguments import expect
from ..layouts import struct
from .gradient_lanes import GradientLanes
from .requantise import Requantiser, parameters
from .window import Walk, take_items


class OutputStage(wiring.Component):
    """Turns the core's items into vectors, one job (a STORE) after another.

    A job begins with 13 clocks in which its parameters are read. Then an item takes C / lanes clocks, or 4 if the job
    is raw; its vector leaves 9 clocks after its last columns were sent, or 2. A job is over with its last vector.

    With `pool`, a vector is the maximum over so many items that follow each other, one per clock. It is that of their
    sums, as no result falls where its sum grows; only the largest ones are requantised, while the next items are taken.
    With `places` a second vector follows, of which item of a column was the first largest one: in as many clocks more.

    Members
    -------
    jobs: stream of STORE instructions; taken when the stage is free. results: the core's stream.
    parameter_address_o, parameter_i: a memory, data one clock later. residual_address_o, residual_enable_o, residual_i:
    a memory whose data stay until the next enable. vector_o: {valid, data, final, index}. noted_o: if it trains.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        self.lanes, self.cols = machine.hw.outputs.lanes, machine.hw.array.cols
        #: Clocks in which a vector's columns are sent.
        self.steps = self.cols // self.lanes
        #: Sums that are sent in a clock: those of the lanes, or of a raw vector.
        self.sent = max(self.lanes, self.cols // RAW_VECTORS)
        vector = 8 * machine.vector
        super().__init__(
            {
                "jobs": In(stream.Signature(INSTRUCTION_BITS)),
                "results": In(stream.Signature(data.ArrayLayout(unsigned(32), self.cols))),
                "parameter_address_o": Out(LOCAL_BITS),
                "parameter_i": In(vector),
                "residual_address_o": Out(LOCAL_BITS),
                "residual_enable_o": Out(1),
                "residual_i": In(data.ArrayLayout(signed(8), self.cols)),
                "vector_o": Out(struct(vector_fields(machine))),
            }
            | ({"noted_o": Out(struct(noted_fields(machine)))} if machine.hw.outputs.gradients else {})
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        gradients = self.machine.hw.outputs.gradients
        stores = struct(store_fields(self.machine))
        offered = stores(self.jobs.payload[: stores.size])
        job = Signal(stores)
        busy = Signal()
        start = Signal()
        walk = Walk(self.steps * (PLACED_VECTORS if gradients else 1))
        m.d.comb += [self.jobs.ready.eq(~busy), start.eq(self.jobs.valid & ~busy)]
        with m.If(start):
            m.d.sync += [busy.eq(1), job.eq(offered)]
        with m.Elif(self.vector_o.valid & self.vector_o.final):
            m.d.sync += busy.eq(0)
        with m.If(start):
            m.d.sync += self.vector_o.index.eq(0)
        with m.Elif(self.vector_o.valid):
            m.d.sync += self.vector_o.index.eq(self.vector_o.index + 1)
        block, ready, opening = self._load_parameters(m, job, busy)
        largest, numbers = take_items(m, self.results, job, offered, start, ready, walk, places=gradients)
        self._send(m, job, walk)
        residuals = self._residuals(m, offered, start, opening, walk)
        #: The columns of places are sent.
        placed = job.places & walk.sub[_bits(self.steps)] if gradients else None
        sums = self._sums(m, job, largest, block, walk.sub)
        if placed is not None:
            self._places(m, numbers, sums, walk.sub, placed)
        parts = self._requantise(m, job, block, sums, residuals, walk.sub, placed)
        made: list[Value] = [part.byte_o for part in parts]
        if placed is not None:
            self._derive(m, job, sums, residuals, walk.sub)
            lanes = self._stochastic(m, job, block.shift[0], opening, walk, sums)
            self._note(m, job, walk, parts, lanes, placed)
            made = [Mux(job.stochastic, *both) for both in zip(lanes.each_byte, made, strict=True)]
        self._vectors(m, job, walk, sums, made)
        return m

    def _load_parameters(self, m: Module, job: data.View, busy: Signal) -> tuple[data.View, Signal, Value]:
        """Reads a job's parameter vectors into registers; they are all there a clock after `ready`, which is returned
        with them, and whether it is one of the job's first two clocks."""
        loading = Signal(range(PARAMETER_VECTORS + 2))
        ready = Signal()
        stored = Signal(data.ArrayLayout(unsigned(8 * self.machine.vector), PARAMETER_VECTORS), reset_less=True)
        m.d.comb += self.parameter_address_o.eq(job.block * PARAMETER_PITCH + loading)
        with m.If(~busy):
            m.d.sync += [loading.eq(0), ready.eq(0)]
        with m.Elif(loading != PARAMETER_VECTORS + 1):
            m.d.sync += [loading.eq(loading + 1), ready.eq(loading >= PARAMETER_VECTORS - 1)]
            m.d.sync += [earlier.eq(later) for earlier, later in pairwise((*stored, self.parameter_i))]
        return parameters(self.cols)(stored.as_value()), ready, busy & ~loading[1:].any()

    def _send(self, m: Module, job: data.View, walk: Walk) -> None:
        """Follows the columns that are sent: a job's first ones long after its start, when they are known."""
        following = Signal.like(walk.sub)
        m.d.comb += following.eq(Mux(walk.sending, Mux(walk.last, 0, walk.sub + 1), walk.sub))
        last, near = self.steps - 1, following >= self.steps - 2 if self.steps > 2 else 1
        if self.machine.hw.outputs.gradients:
            longer = PLACED_VECTORS * self.steps
            nearer = following >= longer - 2 if longer > 2 else 1
            last, near = Mux(job.places, longer - 1, last), Mux(job.places, nearer, near)
        m.d.comb += [
            walk.following_last.eq(following == Mux(job.raw, RAW_VECTORS - 1, last)),
            # A window's first item enters in the clock before the last columns of the one before are sent.
            walk.following_near.eq(near),
        ]
        m.d.sync += [walk.last.eq(walk.following_last), walk.near.eq(walk.following_near), walk.sub.eq(following)]
        with m.If(walk.closed):
            m.d.sync += walk.sending.eq(1)
        with m.Elif(walk.last):
            m.d.sync += walk.sending.eq(0)

    def _residuals(self, m: Module, offered: data.View, start: Signal, opening: Value, walk: Walk) -> data.View:
        """The residuals of the vector that is sent, in a register; those of the next one are what the memory gives."""
        residuals = Signal.like(self.residual_i, reset_less=True)
        m.d.comb += self.residual_enable_o.eq(opening | (walk.sending & walk.last))
        with m.If(start):
            m.d.sync += self.residual_address_o.eq(offered.residual_at)
        with m.Elif(self.residual_enable_o):
            m.d.sync += self.residual_address_o.eq(self.residual_address_o + 1)
        with m.If(self.residual_enable_o):
            m.d.sync += residuals.eq(self.residual_i)
        return residuals

    def _sums(self, m: Module, job: data.View, largest: data.View, block: data.View, sub: Signal) -> list[Signal]:
        """P0: sum and bias of the columns that are sent."""
        totals = [Signal(signed(33), name=f"sum_{i}", reset_less=True) for i in range(self.sent)]
        turns = self.cols // self.sent
        shown = sub[: _bits(self.steps)] if self.machine.hw.outputs.gradients else sub
        # The clocks of a raw item in which the same columns are sent, as they are several vectors.
        turn = sub >> ((RAW_VECTORS // turns).bit_length() - 1)
        for place, total in enumerate(totals):
            raws = range(place, self.cols, self.sent)
            addends = [Array(view[c] for c in raws)[turn[: _bits(turns)]] for view in (largest, block.bias)]
            if place < self.lanes:
                columns = range(place, self.cols, self.lanes)
                sums = [largest[c] for c in columns]
                if self.steps > 1:
                    # The last one of a window may have been overwritten just now.
                    sums[-1] = Signal(signed(32), name=f"held_{place}", reset_less=True)
                    m.d.sync += sums[-1].eq(largest[columns[-1]])
                lane = Array(sums), Array(block.bias[c] for c in columns)
                if turns == self.steps:
                    addends = [each[Mux(job.raw, turn, shown)[: _bits(turns)]] for each in lane]
                else:
                    picked = [each[shown] for each in lane]
                    addends = [Mux(job.raw, *both) for both in zip(addends, picked, strict=True)]
            m.d.sync += total.eq(addends[0] + addends[1])
        return totals

    def _places(self, m: Module, numbers: list[Signal], totals: list[Signal], sub: Signal, placed: Value) -> None:
        """P0 of the second half of a job with places: these are there in place of sums."""
        turn = sub[: _bits(self.steps)]
        for lane, total in enumerate(totals[: self.lanes]):
            columns = [numbers[c] for c in range(lane, self.cols, self.lanes)]
            # The last one of a window may have been overwritten just now.
            held = Signal.like(columns[-1], name=f"place_held_{lane}", reset_less=True)
            m.d.sync += held.eq(columns[-1])
            with m.If(placed):
                m.d.sync += total.eq(Array([*columns[:-1], held])[turn])

    def _requantise(
        self,
        m: Module,
        job: data.View,
        block: data.View,
        totals: list[Signal],
        residuals: data.View,
        sub: Signal,
        placed: Value | None,
    ) -> list[Requantiser]:
        """P0 to P7: the lanes. The byte of a place is its number."""
        turn = sub[: _bits(self.steps)]

        def picked(columns: data.View, lane: int, bits: int, name: str, own: int = 0, *, sign: bool = False) -> Signal:
            found = Signal(signed(bits) if sign else bits, name=f"{name}_{lane}", reset_less=True)
            choice = Array(Value.cast(columns[c])[:bits] for c in range(lane, self.cols, self.lanes))[turn]
            # Without a residual it is zero; the other registers have no such condition.
            m.d.sync += found.eq(Mux(job.residual, choice, 0) if sign else choice)
            if placed is not None:
                with m.If(placed):
                    m.d.sync += found.eq(own)
            return found

        made = []
        for lane in range(self.lanes):
            m.submodules[f"lane_{lane}"] = part = Requantiser(self.machine.hw.outputs.gradients)
            m.d.comb += [
                part.sum_i.eq(totals[lane]),
                part.residual_i.eq(picked(residuals, lane, 8, "residual", sign=True)),
                part.multiplier_i.eq(picked(block.multiplier, lane, MULTIPLIER_BITS, "multiplier", 2)),
                part.residual_multiplier_i.eq(picked(block.residual_multiplier, lane, MULTIPLIER_BITS, "other")),
                part.shift_i.eq(picked(block.shift, lane, 6, "shift", 1)),
                part.low_i.eq(job.low.as_signed()),
                part.high_i.eq(job.high.as_signed()),
            ]
            made.append(part)
        return made

    def _derive(self, m: Module, job: data.View, totals: list[Signal], residuals: data.View, sub: Signal) -> None:
        """P0 of a stochastic job with residuals: sums of the lanes are 0 where theirs are, a clamp's derivative."""
        turn = sub[: _bits(self.steps)]
        for lane, total in enumerate(totals[: self.lanes]):
            choice = Array(Value.cast(residuals[c]) for c in range(lane, self.cols, self.lanes))[turn]
            with m.If(job.stochastic & ~job.raw & job.residual & ~choice.any()):
                m.d.sync += total.eq(0)

    def _stochastic(
        self, m: Module, job: data.View, shift: Value, opening: Value, walk: Walk, totals: list[Signal]
    ) -> GradientLanes:
        """The lanes whose bytes leave if the job is stochastic."""
        m.submodules.gradient_lanes = lanes = GradientLanes(self.machine)
        m.d.sync += lanes.valid_i.eq(walk.sending & job.stochastic & ~job.raw)
        m.d.comb += [lanes.shift_i.eq(shift), lanes.seed_i.eq(job.seed), lanes.begin_i.eq(opening)]
        m.d.comb += [total_i.eq(total) for total_i, total in zip(lanes.sums_i, totals, strict=False)]
        return lanes

    def _note(
        self, m: Module, job: data.View, walk: Walk, parts: list[Requantiser], lanes: GradientLanes, placed: Value
    ) -> None:
        """What is told of the bytes of a noted job, and of stochastic ones."""
        m.d.sync += lanes.nearest_i.eq(walk.sending & job.noted & ~job.stochastic & ~job.raw & ~placed)
        m.d.comb += [lanes.clipped_i.eq(Cat(part.clipped_o for part in parts)), self.noted_o.eq(lanes.noted_o)]
        for lane, part in enumerate(parts):
            m.d.comb += [part.noted_i.eq(job.noted), lanes.scaled_i[lane].eq(part.scaled_o)]

    def _vectors(self, m: Module, job: data.View, walk: Walk, totals: list[Signal], made: list[Value]) -> None:
        """Bytes of the lanes become a vector with its last ones; a raw one is there a clock after its sums."""
        stages = Requantiser.LATENCY + 1
        sent = [Signal(name=f"sent_{i}") for i in range(stages)]
        places = [Signal.like(walk.sub, name=f"place_{i}", reset_less=True) for i in range(stages)]
        finals = [Signal(name=f"final_{i}", reset_less=True) for i in range(stages)]
        for line, first in ((sent, walk.sending), (places, walk.sub), (finals, walk.final & walk.last)):
            m.d.sync += [later.eq(earlier) for earlier, later in pairwise((first, *line))]
        with m.If(job.raw):
            m.d.sync += sent[1].eq(0)
        part = places[-1][: _bits(self.steps)] if self.machine.hw.outputs.gradients else places[-1]
        whole = list(made)
        if self.steps > 1:
            assembled = Signal(data.ArrayLayout(signed(8), self.cols - self.lanes), reset_less=True)
            for place in range(self.steps - 1):
                with m.If(part == place):
                    m.d.sync += [assembled[place * self.lanes + lane].eq(byte) for lane, byte in enumerate(made)]
            whole = [assembled.as_value(), *made]
        # Of one or two columns, a vector is only a part of a sum.
        sums, size = Cat(total[:32] for total in totals), 8 * self.machine.vector
        words = [sums[at : at + size] for at in range(0, len(sums), size)]
        raw = Array(words)[places[0][: _bits(len(words))]]
        m.d.sync += [
            self.vector_o.valid.eq(Mux(job.raw, sent[0], sent[-1] & (part == self.steps - 1))),
            self.vector_o.final.eq(Mux(job.raw, finals[0], finals[-1])),
            self.vector_o.data.eq(Mux(job.raw, raw, Cat(whole))),
        ]


def _bits(turns: int) -> int:
    """Of a number below `turns`, a power of two."""
    return turns.bit_length() - 1
