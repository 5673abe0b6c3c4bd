"""The instruction fetch against its twin: sound programs of every length, and all that a program can have wrong."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.instruction import INSTRUCTION_BITS, INSTRUCTION_BYTES, VERSION
from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.machine.fetch import COUNT_BITS, Fetch
from tests.hw.core.tile_streams import Halt
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import NARROW, WIDE, Shape, Vectors, cases, payloads, word
from tests.hw.stimulus import Fresh, Source, Values, Wire, sometimes
from tests.hw.twins import Pair, Where, hold

QUEUES = [f"{engine.name.lower()}_o" for engine in Engine]
#: Opcodes that a program may have between its first and its last instruction.
INNER = [opcode for opcode in Opcode if opcode not in (Opcode.HEADER, Opcode.END)]
FAULTS = ("version", "fingerprint", "no header", "second header", "unknown", "early end", "no end", "header alone")


def _any(opcode: int, rng: random.Random) -> int:
    """An instruction with any bits but its opcode."""
    return rng.getrandbits(INSTRUCTION_BITS - 4) << 4 | opcode


def _program(shape: Shape, rng: random.Random, length: int) -> list[int]:
    """A program of at least four instructions: sound in one of two cases."""
    header = {"version": VERSION, "fingerprint": shape.machine.fingerprint}
    words = [word(Opcode.HEADER, rng, **header), *(_any(rng.choice(INNER), rng) for _ in range(length - 2))]
    words.append(_any(Opcode.END, rng))
    at = rng.randrange(1, length - 1)
    match rng.choice(FAULTS) if rng.random() < 0.5 else "sound":
        case "version":
            words[0] = word(
                Opcode.HEADER, rng, **header | {"version": VERSION ^ 1 << rng.choice([0, 7, rng.randrange(8)])}
            )
        case "fingerprint":
            flipped = header["fingerprint"] ^ 1 << rng.choice([0, 31, rng.randrange(32)])
            words[0] = word(Opcode.HEADER, rng, **header | {"fingerprint": flipped})
        case "no header":
            words[0] = _any(rng.choice(INNER), rng)
        case "second header":
            words[at] = words[0]
        case "unknown":
            words[at] = _any(rng.choice([0, *range(len(Opcode) + 1, 16)]), rng)
        case "early end":
            words[at] = _any(Opcode.END, rng)
        case "no end":
            words[-1] = _any(rng.choice(INNER), rng)
        case "header alone":
            words = words[:1]
    return words


class Start:
    """Drives `start_i` in the first clock; address and count mean nothing in all others."""

    def __init__(self, address: int, count: int, rng: random.Random) -> None:
        self._address, self._count, self._rng = address, count, rng
        self._first = True

    def drive(self) -> Values:
        if self._first:
            return {"start_i": 1, "address_i": self._address, "count_i": self._count}
        return {"start_i": 0, "address_i": self._rng.getrandbits(32), "count_i": self._rng.getrandbits(24)}

    def after(self, inputs: Values, outputs: Values) -> None:
        self._first = False


def _endless(shape: Shape, counts: Iterator[int], rng: random.Random) -> Sequence[Source]:
    """A program that ends with its reset; its count says that it is long."""
    size = max(shape.cols, INSTRUCTION_BYTES)
    header = word(Opcode.HEADER, rng, version=VERSION, fingerprint=shape.machine.fingerprint)
    words = [header, *(_any(rng.choice(INNER), rng) for _ in range(63))]
    data = b"".join(number.to_bytes(INSTRUCTION_BYTES, "little") for number in words)

    def contents(at: int) -> int:
        offset = at if at < size else size + (at - size) % (len(data) - size)
        return int.from_bytes(data[offset : offset + shape.cols], "little")

    ready = [Wire(f"{name}__ready", sometimes(rng)) for name in QUEUES]
    return [Start(0, next(counts), rng), Vectors(shape.machine, rng, contents), *ready, Halt()]


def _sources(shape: Shape, kind: str, rng: random.Random) -> Sequence[Source]:
    if kind == "long":
        counts = itertools.cycle(1 << bit | 4 for bit in range(5, COUNT_BITS))
        return [Fresh(lambda: _endless(shape, counts, rng))]
    return [Fresh(lambda: _whole(shape, rng))]


def _whole(shape: Shape, rng: random.Random) -> Sequence[Source]:
    """A program that runs to its end, or to what it has wrong."""
    size = max(shape.cols, INSTRUCTION_BYTES)
    words = _program(shape, rng, rng.choice([*(rng.randint(4, 20) for _ in range(4)), rng.randint(17, 150)]))
    if rng.random() < 0.05:
        words = []
    address = rng.getrandbits(32) // size * size
    if rng.random() < 0.15:
        address |= 1 << rng.randrange(shape.cols.bit_length() - 1)
    data = b"".join(number.to_bytes(INSTRUCTION_BYTES, "little") for number in words)
    data += rng.randbytes(size)

    def contents(at: int) -> int:
        offset = (at - address) % (1 << 32)
        return int.from_bytes(data[offset : offset + shape.cols], "little")

    return [
        Start(address, len(words), rng),
        Vectors(shape.machine, rng, contents),
        *(Wire(f"{name}__ready", sometimes(rng)) for name in QUEUES),
        Halt(),
    ]


FETCH = Pair(
    "fetch",
    Fetch,
    _sources,
    stopped=lambda values: values["halt_i"] != 0 or not (values["busy_o"] or values["start_i"]),
    meaning=payloads("requests", *QUEUES),
)


@pytest.mark.parametrize(("shape", "where"), cases(NARROW, WIDE))
def test_fetch(shape: Shape, where: Where) -> None:
    seen = hold(FETCH, shape, where, reset_share=0.002)
    if where.backend == "shared":
        errors = {MachineError.BAD_PROGRAM, MachineError.WRONG_HARDWARE, MachineError.BAD_OPCODE}
        assert seen["error_o"] == {MachineError.NONE, *errors, MachineError.UNALIGNED_PROGRAM}


def test_every_bit_of_a_program_s_length() -> None:
    """A counter that is too short would be at its end after four instructions."""
    long = replace(FETCH, kinds=("long",), constant=lambda _: ("busy_o", "error_o"))
    hold(long, NARROW, Where("verilator", "shared", 4000), reset_share=0.01)


def test_wants_a_machine() -> None:
    refuses(Fetch)
