"""The store engine against its twin, between an output stage and a writer that take their time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch import ports
from skipbeat_arch.engines import Opcode
from skipbeat_arch.machine_ports import vector_fields
from skipbeat_arch.turn_instruction import Turn
from skipbeat_hw.machine.store import StoreEngine
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import SHAPES, Shape, cases, if_any, moved, payloads, short, word
from tests.hw.stimulus import Draw, Fresh, Offer, Source, Values, Wire, often, sometimes
from tests.hw.twins import Pair, Where, hold, while_set

#: Vectors that are sent of a STORE to the banks alone, however many there should be.
MOST = 12


class Stage:
    """The output stage: one job at a time, whose vectors come at will; junk comes while they do not.

    The store engine does not count: a job for the banks alone ends early, when the stage says so.
    """

    def __init__(self, shape: Shape, rng: random.Random) -> None:
        self._machine, self._rng, self._coming = shape.machine, rng, sometimes(rng)
        self._left = self._index = 0
        self._valid = False

    def drive(self) -> Values:
        self._valid = self._left > 0 and bool(self._coming())
        vector = {
            "valid": int(self._valid),
            "data": self._rng.getrandbits(8 * self._machine.vector),
            "final": int(self._left == 1) if self._valid else self._rng.getrandbits(1),
            "index": self._index if self._valid else self._rng.getrandbits(16),
        }
        return {"jobs__ready": int(self._left == 0), "vector_i": ports.pack(vector_fields(self._machine), vector)}

    def after(self, inputs: Values, outputs: Values) -> None:
        if self._valid:
            self._left, self._index = self._left - 1, self._index + 1
        if moved("jobs", inputs, outputs):
            if outputs["jobs__payload"] & 15 == Opcode.TURN:
                turn = ports.unpack(Turn.full_layout(), outputs["jobs__payload"])
                self._left, self._index = turn["count"] * turn["lanes"], 0
                return
            job = ports.unpack(isa.Store.full_layout(), outputs["jobs__payload"])
            count = job["count"] << (2 * job["raw"])
            self._left, self._index = count if job["memory"] else min(count, MOST), 0


class Writes:
    """The writer: one request at a time, done after a while."""

    def __init__(self, done: Draw) -> None:
        self._busy, self._done, self._drawn = False, done, 0

    def drive(self) -> Values:
        self._drawn = int(self._busy and self._done())
        return {"requests__ready": int(not self._busy), "done_i": self._drawn}

    def after(self, inputs: Values, outputs: Values) -> None:
        self._busy = moved("requests", inputs, outputs) or (self._busy and not self._drawn)


def _store(shape: Shape, rng: random.Random, wait: int, locals_only: bool) -> int:
    """To memory no more than a half takes; to the banks now and then any number of vectors."""
    raw, memory, local = (0, 0, 1) if locals_only else rng.choice([(0, 1, 0), (0, 0, 1), (0, 1, 1), (1, 1, 0)])
    count = min(short(rng), shape.machine.output_depth >> (2 * raw))
    if not memory and rng.random() < 0.5:
        count = rng.getrandbits(14) | 1
    return word(Opcode.STORE, rng, raw=raw, memory=memory, local=local, count=count, wait=wait)


def _turn(shape: Shape, rng: random.Random, wait: int) -> int:
    """To memory no more than a half takes."""
    lanes = rng.randint(1, shape.cols)
    count = min(short(rng, 3), shape.machine.output_depth // lanes)
    return word(Opcode.TURN, rng, count=count, lanes=lanes, wait=wait)


def _place(rng: random.Random) -> int:
    return word(Opcode.PLACE, rng, width=rng.choice([1, 2, 3, 5, *2 * [rng.getrandbits(12)]]), wait=0, signal=0)


def _program(shape: Shape, rng: random.Random) -> Iterator[int]:
    locals_only = 0.0
    while True:
        if rng.random() < 0.05:  # for a while, so that STOREs wait behind one that is written
            locals_only = 0.9 - locals_only
        wait = rng.choice([0, 0, rng.getrandbits(2)])
        if rng.random() < locals_only:
            yield _place(rng) if rng.random() < 0.2 else _store(shape, rng, wait, locals_only=True)
            continue
        turns = [Opcode.TURN, Opcode.TURN] * shape.turn
        kind = rng.choice([Opcode.STORE, Opcode.STORE, Opcode.STORE, Opcode.PLACE, Opcode.END, *turns])
        if kind == Opcode.STORE:
            yield _store(shape, rng, wait, locals_only=False)
        elif kind == Opcode.PLACE:
            yield _place(rng)
        elif kind == Opcode.TURN:
            yield _turn(shape, rng, wait)
        else:
            yield word(kind, rng, wait=wait)


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        return [
            Offer("instructions", often(rng, rng.choice([1.0, 0.3, 0.05])), _program(shape, rng)),
            Wire("some_i", lambda: rng.choice([3, rng.getrandbits(2)])),
            Wire("halt_i", often(rng, rng.choice([0.0, 0.1, 0.3]))),
            Stage(shape, rng),
            Writes(often(rng, rng.choice([1.0, 0.2, 0.02]))),
        ]

    return [Fresh(begin)]


STORE = Pair(
    "store_engine",
    StoreEngine,
    _sources,
    meaning={"write_address_o": while_set("write_enable_o"), **payloads("jobs", "requests")},
)


TURNS = tuple(replace(each, turn=True) for each in SHAPES)


@pytest.mark.parametrize(("shape", "where"), [*cases(), *cases(*TURNS[:2], slow=TURNS)[1:]])
def test_store_engine(shape: Shape, where: Where) -> None:
    pair = replace(STORE, meaning={**STORE.meaning, **if_any("local_write_o", shape.rows)})
    hold(pair, shape, where)


def test_wants_a_machine() -> None:
    refuses(StoreEngine)
