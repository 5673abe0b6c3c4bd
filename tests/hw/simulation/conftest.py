"""Small designs on which the simulation harnesses are tried, as Verilog text."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.back import verilog
from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import COMMAND_BITS
from skipbeat_arch.hardware import Hardware, load_hardware

FIFO_WIDTH = 100


class Fifo(wiring.Component):
    """A FIFO of four entries, wider than 64 bits."""

    def __init__(self) -> None:
        payload = stream.Signature(FIFO_WIDTH)
        super().__init__({"i": In(payload), "o": Out(payload)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=FIFO_WIDTH, depth=4)
        wiring.connect(m, wiring.flipped(self.i), fifo.w_stream)
        wiring.connect(m, fifo.r_stream, wiring.flipped(self.o))
        return m


class Accumulate(wiring.Component):
    """`sum` is the running sum of `x`, `sign` is combinational."""

    def __init__(self) -> None:
        super().__init__({"x": In(signed(5)), "sum": Out(signed(70)), "sign": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.sync += self.sum.eq(self.sum + self.x)
        m.d.comb += self.sign.eq(self.x < 0)
        return m


class PortsOfCore(wiring.Component):
    """The ports of a core around the least that exercises them.

    It takes one command and one word of weights; from then on column c of a result is activation c of the bundle
    plus weight c plus the command's low 8 bits. A second word of weights is taken if the first had no `last`, and
    raises error 5 if it has.
    """

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw
        word = data.StructLayout({"data": data.ArrayLayout(signed(hw.numbers.weight_bits), hw.array.cols), "last": 1})
        elements = data.ArrayLayout(signed(hw.numbers.activation_bits), hw.array.rows * hw.array.group)
        sums = data.ArrayLayout(signed(hw.numbers.accumulator_bits), hw.array.cols)
        super().__init__(
            {
                "commands": In(stream.Signature(COMMAND_BITS)),
                "weights": In(stream.Signature(word)),
                "activations": In(stream.Signature(elements)),
                "results": Out(stream.Signature(sums)),
                "error": Out(3),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        offset, last, armed = Signal(signed(8)), Signal(), Signal(2)
        weights = Signal.like(self.weights.payload.data)
        free = ~self.results.valid | self.results.ready
        m.d.comb += [
            self.commands.ready.eq(~armed[0]),
            self.weights.ready.eq(~armed[1] | (~last & ~self.error.any())),
            self.activations.ready.eq(armed.all() & free),
            self.busy.eq(armed.any()),
        ]
        with m.If(self.commands.valid & self.commands.ready):
            m.d.sync += [offset.eq(self.commands.payload[:8]), armed[0].eq(1)]
        with m.If(self.weights.valid & self.weights.ready):
            m.d.sync += [weights.eq(self.weights.payload.data), last.eq(self.weights.payload.last), armed[1].eq(1)]
            with m.If(armed[1] & self.weights.payload.last):
                m.d.sync += self.error.eq(5)
        with m.If(free):
            m.d.sync += self.results.valid.eq(self.activations.valid & self.activations.ready)
            for c in range(self.hw.array.cols):
                m.d.sync += self.results.payload[c].eq(self.activations.payload[c] + weights[c] + offset)
        return m


@pytest.fixture(scope="session")
def fifo() -> str:
    return str(verilog.convert(Fifo(), name="fifo"))


@pytest.fixture(scope="session")
def accumulate() -> str:
    return str(verilog.convert(Accumulate(), name="accumulate"))


@pytest.fixture(scope="session")
def adder() -> str:
    """Purely combinational: neither clock nor reset."""
    m, a, b, total = Module(), Signal(40), Signal(40), Signal(41)
    m.d.comb += total.eq(Cat(a) + Cat(b))
    ports = {"a": (a, None), "b": (b, None), "total": (total, None)}
    return str(verilog.convert(m, name="adder", ports=ports))


@pytest.fixture(scope="session", params=[[], ["numbers.activation_bits=5", "numbers.accumulator_bits=23"]])
def small_core(request: pytest.FixtureRequest) -> tuple[str, Hardware]:
    hardware = load_hardware("tiny-4x4", request.param)
    return str(verilog.convert(PortsOfCore(hardware), name="core")), hardware
