"""The lanes of the output stage for training: sums to bytes by stochastic rounding, and what is noted of all bytes."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import noted_fields
from skipbeat_arch.training.jobs import ROUNDING_LATENCY
from skipbeat_arch.training.lfsr import SEED_BITS
from skipbeat_arch.training.rounding import STORE_SEED_BITS, SUM_BITS

from ..arguments import expect
from ..layouts import struct
from ..training.rounding import Rounding
from .requantise import Requantiser


class GradientLanes(wiring.Component):
    """Stochastic bytes of sums, as many clocks later as a `Requantiser`'s; a sum per lane and clock, without stalls.

    Members
    -------
    shift_i: the same while sums are inside. seed_i, begin_i: the draws begin at this seed of a STORE, from the first
    sum of this clock on. valid_i: there are sums. sums_i: a lane each. bytes_o: of the sums of 7 clocks before.
    nearest_i: columns of a noted job enter the lanes of `Requantiser`. scaled_i, clipped_i: what these tell 4 and 7
    clocks later. noted_o: the sums of this clock, 0 if there are none, and which bytes of earlier ones were clipped:
    stochastic ones of 4 clocks before, and noted ones that scaled_i told 3 clocks before.
    """

    #: Clocks from `scaled_i` to `clipped_i` of the same columns.
    BETWEEN = 3

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        self.lanes = machine.hw.outputs.lanes
        super().__init__(
            {
                "shift_i": In(6),
                "seed_i": In(STORE_SEED_BITS),
                "begin_i": In(1),
                "valid_i": In(1),
                "sums_i": In(data.ArrayLayout(signed(33), self.lanes)),
                "nearest_i": In(1),
                "scaled_i": In(data.ArrayLayout(signed(SUM_BITS), self.lanes)),
                "clipped_i": In(self.lanes),
                "bytes_o": Out(struct((("valid", 1), ("data", 8 * self.lanes)))),
                "noted_o": Out(struct(noted_fields(machine))),
            }
        )

    @property
    def each_byte(self) -> list[Value]:
        """The bytes of `bytes_o`, signed."""
        return [self.bytes_o.data[8 * lane : 8 * lane + 8].as_signed() for lane in range(self.lanes)]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.rounding = rounding = Rounding(self.lanes)
        rounded, noted = rounding.o, self.noted_o
        m.d.comb += [
            rounding.job_i.shift.eq(self.shift_i),
            rounding.job_i.seed.eq(self.seed_i << (SEED_BITS - STORE_SEED_BITS)),
            rounding.begin_i.eq(self.begin_i),
            rounding.i.valid.eq(self.valid_i),
            rounded.ready.eq(1),
        ]
        inside = Signal(Requantiser.LATENCY)
        m.d.sync += inside.eq(Cat(self.nearest_i, inside[:-1]))
        scaled, clipped = inside[-1 - self.BETWEEN], inside[-1]
        m.d.comb += [
            noted.valid.eq(self.valid_i | rounded.valid | scaled | clipped),
            noted.clipped.eq(
                _if(rounded.valid, Cat(byte.clipped for byte in rounded.payload)) | _if(clipped, self.clipped_i)
            ),
        ]
        for lane, (total, other) in enumerate(zip(self.sums_i, self.scaled_i, strict=True)):
            m.d.comb += rounding.i.payload[lane].eq(total)
            m.d.comb += noted.sums[lane].eq(Mux(self.valid_i, total, _if(scaled, other)))
        found = Signal.like(self.bytes_o)
        m.d.comb += [found.valid.eq(rounded.valid), found.data.eq(Cat(byte.value for byte in rounded.payload))]
        for clock in range(Requantiser.LATENCY - ROUNDING_LATENCY):
            later = Signal.like(found, name=f"bytes_{clock}")
            m.d.sync += later.eq(found)
            found = later
        m.d.comb += self.bytes_o.eq(found)
        return m


def _if(condition: Value, value: Value) -> Value:
    """A value, or 0."""
    return Mux(condition, value, 0)
