"""The update of weights: momentum, decay and step in fixed point, and the bytes for the array."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.training.jobs import BYTE_SHIFT_BITS, UPDATE_LATENCY, update_fields
from skipbeat_arch.training.ranks import LARGEST
from skipbeat_arch.training.rounding import SUM_BITS
from skipbeat_arch.training.update_rule import MASTER_BITS

from ..layouts import struct

_LOW, _HIGH = -(1 << (MASTER_BITS - 1)), (1 << (MASTER_BITS - 1)) - 1


class Update(wiring.Component):
    """`v' = mu * v + gradient * g + decay * w`, `w' = w - rate * v'` (`skipbeat_arch.training.update_rule`).

    An item of a weight per lane in every clock; it is on `o` 11 clocks after it was taken, and waits there with all
    behind it. `i.ready` follows `o.ready` in the same clock.

    Parameters
    ----------
    lanes: weights of an item.

    Members
    -------
    job_i: `update_fields`, the same while items are inside. i: stream of {weights, momenta, gradients, kept, shifts},
    with the shift of the byte for each weight. o: stream of {weights, momenta, bytes, sizes}; a size is the bits of the
    new weight's magnitude, from which its column's next shift follows.

    Raises
    ------
    ValueError: no lanes.
    """

    def __init__(self, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"expected at least one lane, not {lanes!r}")
        self.lanes = lanes
        masters = data.ArrayLayout(signed(MASTER_BITS), lanes)
        given = data.StructLayout(
            {
                "weights": masters,
                "momenta": masters,
                "gradients": data.ArrayLayout(signed(SUM_BITS), lanes),
                "kept": lanes,
                "shifts": data.ArrayLayout(BYTE_SHIFT_BITS, lanes),
            }
        )
        made = data.StructLayout(
            {
                "weights": masters,
                "momenta": masters,
                "bytes": data.ArrayLayout(signed(8), lanes),
                "sizes": data.ArrayLayout(range(MASTER_BITS + 1), lanes),
            }
        )
        super().__init__(
            {"job_i": In(struct(update_fields())), "i": In(stream.Signature(given)), "o": Out(stream.Signature(made))}
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        there = Signal(UPDATE_LATENCY)
        advance = Signal()
        m.d.comb += [advance.eq(~there[-1] | self.o.ready), self.i.ready.eq(advance), self.o.valid.eq(there[-1])]
        with m.If(advance):
            m.d.sync += there.eq(Cat(self.i.valid, there[:-1]))
            for lane in range(self.lanes):
                self._weight(m, lane)
        return m

    def _weight(self, m: Module, lane: int) -> None:
        """One lane: 5 clocks to the new momentum, 4 to the new weight, 2 to its byte."""
        job, given, made = self.job_i, self.i.payload, self.o.payload
        weights = _later(m, given.weights[lane], 7)
        kept = _later(m, given.kept[lane], 2)
        decay = Mux(kept[0], job.decay_mantissa, job.dropped_decay_mantissa)
        decay_shift = Mux(kept[1], job.decay_shift, job.dropped_decay_shift)
        terms = [
            _product(m, _later(m, given.momenta[lane], 1)[-1], job.momentum_mantissa, job.momentum_shift),
            _product(m, _later(m, given.gradients[lane], 1)[-1], job.gradient_mantissa, job.gradient_shift),
            _product(m, weights[0], decay, decay_shift),
        ]
        total = _register(m, terms[0] + terms[1] + terms[2])
        momentum = _register(m, _saturated(total))
        moved = _product(m, momentum, job.rate_mantissa, job.rate_shift)
        stepped = _register(m, weights[6] - moved)
        weight = _register(m, _saturated(stepped))
        magnitude = abs(weight)
        size = Signal(range(MASTER_BITS + 1))
        for bit in range(MASTER_BITS):
            with m.If(magnitude[bit]):
                m.d.comb += size.eq(bit + 1)
        shifted = _register(m, _halves(weight, _later(m, given.shifts[lane], 9)[-1]))
        byte = _rounded(shifted)
        m.d.sync += [
            made.weights[lane].eq(_later(m, weight, 1)[-1]),
            made.momenta[lane].eq(_later(m, momentum, 5)[-1]),
            made.sizes[lane].eq(_register(m, size)),
            made.bytes[lane].eq(Mux(byte > LARGEST, LARGEST, Mux(byte < -LARGEST, -LARGEST, byte))),
        ]


def _register(m: Module, value: Value) -> Signal:
    """A value one clock later."""
    return _later(m, value, 1)[-1]


def _later(m: Module, value: Value, clocks: int) -> list[Signal]:
    """A value after 1, 2, … clocks."""
    line = [Signal(Value.cast(value).shape(), name="later", reset_less=True) for _ in range(clocks)]
    m.d.sync += [after.eq(before) for before, after in pairwise((value, *line))]
    return line


def _product(m: Module, value: Value, mantissa: Value, shift: Value) -> Value:
    """Value times coefficient, rounded half up; the last addition is left to who takes it, two clocks later."""
    product = _register(m, value * mantissa)
    return _rounded(_register(m, _halves(product, shift)))


def _halves(value: Value, shift: Value) -> Value:
    """value / 2^shift in halves, rounded down: what is behind the half has no say when halves are rounded up."""
    return Cat(Const(0, 1), value).as_signed() >> shift


def _rounded(halves: Value) -> Value:
    """Halves to whole numbers, rounded up."""
    return (halves >> 1) + halves[0]


def _saturated(value: Value) -> Value:
    """The nearest number of 32 bits."""
    nearest: Value = Mux(value > _HIGH, _HIGH, Mux(value < _LOW, _LOW, value))[:MASTER_BITS].as_signed()
    return nearest
