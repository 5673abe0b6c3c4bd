"""What it takes to hold the machine's modules to their twins: shapes, adapted ports, and what surrounds a module."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pytest

from skipbeat_arch import ports
from skipbeat_arch.decoding import INSTRUCTIONS
from skipbeat_arch.engines import Opcode
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import REQUEST, beat_fields
from tests.hw.stimulus import Values, often, sometimes
from tests.hw.twins import IN_PROCESS, NO_ICARUS, Meaning, Where, while_set


@dataclass(frozen=True)
class Shape:
    """A machine: rows, columns, group size, bytes on the bus, output lanes, bursts (beats, number), address bits,
    bytes of the port if they are not a beat's, and whether it stores gradients and turns vectors."""

    rows: int
    cols: int
    group: int
    beat: int
    lanes: int = 2
    burst: int = 4
    outstanding: int = 2
    address_bits: int = 32
    port: int | None = None
    gradients: bool = False
    turn: bool = False

    def __str__(self) -> str:
        sizes = f"{self.rows}x{self.cols}-m{self.group}-q{self.beat}-l{self.lanes}"
        wide = f"-p{self.port}" if self.port else ""
        rest = f"-b{self.burst}-o{self.outstanding}-a{self.address_bits}{wide}"
        return f"{sizes}{rest}{'-gradients' * self.gradients}{'-turn' * self.turn}"

    @property
    def machine(self) -> Machine:
        """The sizes that follow."""
        return _machine(self)

    def arguments(self) -> Mapping[str, object]:
        """Of the machine's parts."""
        return {"machine": self.machine}


@lru_cache
def _machine(shape: Shape) -> Machine:
    sizes = {
        "array.rows": shape.rows,
        "array.cols": shape.cols,
        "array.group": shape.group,
        "memory.bytes_per_clock": shape.beat,
        "memory.burst_beats": shape.burst,
        "memory.outstanding": shape.outstanding,
        "memory.address_bits": shape.address_bits,
        "outputs.lanes": shape.lanes,
        "outputs.buffer_kib": 1,
        "outputs.gradients": str(shape.gradients).lower(),
        "outputs.turn": str(shape.turn).lower(),
    }
    keys = [f"{key}={value}" for key, value in sizes.items()]
    return Machine.of(load_hardware("tiny-4x4", [*keys, f"memory.port_bytes={shape.port or 'null'}"]))


#: A vector is half an instruction and four beats.
NARROW = Shape(2, 8, 8, beat=2, burst=8)
#: A vector is a quarter of an instruction and one beat, and all columns leave the output stage at once.
SMALL = Shape(4, 4, 4, beat=4, lanes=4, outstanding=4)
#: A vector is an instruction.
EXACT = Shape(4, 16, 4, beat=8, lanes=2, burst=16)
#: A vector is two instructions and two beats; there are more bundles in it than in a place's smallest period.
WIDE = Shape(8, 32, 8, beat=16, lanes=8, burst=8, outstanding=8)
SHAPES = (NARROW, SMALL, EXACT, WIDE)

_QUICK, _SLOW, _ICARUS = 2000, 8000, 800


def cases(*quick: Shape, slow: Sequence[Shape] = SHAPES, clocks: int = _QUICK) -> list[object]:
    """(shape, where) of a module's regression: short runs on `quick` shapes (without any, NARROW), the first of them in
    Amaranth's simulator too.

    Marked slow: longer ones on `slow` shapes, and one on Icarus, to which an undefined output shows.
    """

    def case(shape: Shape, where: Where, *marks: pytest.MarkDecorator) -> object:
        return pytest.param(shape, where, marks=marks, id=f"{shape}-{where}-{where.clocks}")

    first = quick or (NARROW,)
    made = [case(first[0], IN_PROCESS)]
    made += [case(shape, Where("verilator", "shared", clocks)) for shape in first]
    made += [case(shape, Where("verilator", "shared", _SLOW), pytest.mark.slow) for shape in slow]
    return [*made, case(first[0], Where("icarus", "cocotb", _ICARUS), pytest.mark.slow, NO_ICARUS)]


def if_any(port: str, bits: int = 1) -> Mapping[str, Meaning]:
    """A structure whose lowest bits, `valid` or `enable`, say whether the others mean something."""
    low = (1 << bits) - 1
    return {port: lambda values: -1 if values[port] & low else low}


def payloads(*streams: str) -> Mapping[str, Meaning]:
    """Payloads of output streams mean something while they are valid."""
    return {f"{name}__payload": while_set(f"{name}__valid") for name in streams}


def word(opcode: Opcode, rng: random.Random, **fields: int) -> int:
    """An instruction with these fields and any others."""
    layout = INSTRUCTIONS[opcode].full_layout()
    values = {name: rng.getrandbits(bits) for name, bits in layout}
    return ports.pack(layout, values | {"opcode": int(opcode)} | fields)


def short(rng: random.Random, most: int = 12) -> int:
    """A count of at least 1: often 1, sometimes a few, seldom up to `most` and more."""
    return rng.choice([1, 1, 2, 3, rng.randint(1, most), rng.randint(1, most), rng.randint(1, 4 * most)])


def moved(stream: str, inputs: Values, outputs: Values) -> bool:
    """Whether an item of this stream was transferred, in either direction."""
    both = inputs | outputs
    return bool(both[f"{stream}__valid"] and both[f"{stream}__ready"])


class ReadPort:
    """A memory with any contents: a word that is read comes in the next clock and stays until the next is read.

    Args:
        enable: without it, the memory is read in every clock.
    """

    def __init__(self, data: str, address: str, contents: Callable[[int], int], enable: str | None = None) -> None:
        self._data, self._address, self._enable, self._contents = data, address, enable, contents
        self._word = contents(0)

    def drive(self) -> Values:
        return {self._data: self._word}

    def after(self, inputs: Values, outputs: Values) -> None:
        if self._enable is None or outputs[self._enable]:
            self._word = self._contents(outputs[self._address])


class Vectors:
    """The reader as those see it who request from it: takes requests at will, and returns their vectors in order.

    Args:
        steady: it takes every request at once, and returns a vector in every clock.
    """

    def __init__(
        self, machine: Machine, rng: random.Random, contents: Callable[[int], int], *, steady: bool = False
    ) -> None:
        self._machine, self._rng, self._contents = machine, rng, contents
        self._willing, self._coming = (often(rng, 1.0) if steady else sometimes(rng) for _ in range(2))
        self._due: deque[tuple[int, bool]] = deque()

    def drive(self) -> Values:
        valid = bool(self._due) and self._coming()
        data, final = self._due.popleft() if valid else (self._rng.getrandbits(8 * self._machine.vector), True)
        beat = ports.pack(beat_fields(self._machine), {"valid": int(valid), "data": data, "final": int(final)})
        return {"requests__ready": self._willing(), "beat_i": beat}

    def after(self, inputs: Values, outputs: Values) -> None:
        if moved("requests", inputs, outputs):
            request = ports.unpack(REQUEST, outputs["requests__payload"])
            address, count = request["address"], request["count"]
            size = self._machine.vector
            self._due += [(self._contents(address + i * size), i == count - 1) for i in range(count)]


def vector_address(shape: Shape, rng: random.Random) -> int:
    """A vector's address; every fourth one lies so high that what follows it begins at 0 again."""
    top = (1 << 32) - rng.randint(1, 8) * shape.cols
    return top if rng.random() < 0.25 else rng.getrandbits(32) // shape.cols * shape.cols


def burst_meaning(channel: str) -> Mapping[str, Meaning]:
    """An address channel's ports mean something while it is valid."""
    return {f"bus__{channel}{name}": while_set(f"bus__{channel}valid") for name in ("addr", "len", "size", "burst")}
