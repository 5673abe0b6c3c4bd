"""The read master against its twin: bursts of any alignment, and a memory that answers when it likes."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import pytest

from skipbeat_arch import ports
from skipbeat_arch.machine_ports import REQUEST, MachineError
from skipbeat_hw.machine.reader import Reader
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import NARROW, Shape, burst_meaning, cases, if_any, short, vector_address
from tests.hw.stimulus import Fresh, Offer, Source, Values, sometimes
from tests.hw.twins import Pair, Where, hold


class Memory:
    """The read channels: bursts are answered in the order of their addresses; junk comes while no beat does."""

    def __init__(self, shape: Shape, rng: random.Random) -> None:
        self._bits, self._rng = 8 * shape.machine.beat_bytes, rng
        self._willing, self._coming = sometimes(rng), sometimes(rng)
        self._failing = rng.choice([0.05, 0.3])
        self._due: deque[int] = deque()

    def drive(self) -> Values:
        valid = bool(self._due) and self._coming()
        last = self._due.popleft() if valid else self._rng.getrandbits(1)
        response = self._rng.getrandbits(2) if not valid or self._rng.random() < self._failing else 0
        return {
            "bus__arready": self._willing(),
            "bus__rvalid": int(valid),
            "bus__rlast": last,
            "bus__rresp": response,
            "bus__rdata": self._rng.getrandbits(self._bits),
        }

    def after(self, inputs: Values, outputs: Values) -> None:
        if outputs["bus__arvalid"] and inputs["bus__arready"]:
            self._due += [0] * outputs["bus__arlen"] + [1]


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        alone = rng.random() < 0.3  # requests of a vector fill the queue of what is to return

        def request() -> int:
            count = 1 if alone else short(rng)
            return ports.pack(REQUEST, {"address": vector_address(shape, rng), "count": count})

        return [Offer("requests", sometimes(rng), iter(request, -1)), Memory(shape, rng)]

    return [Fresh(begin)]


READER = Pair(
    "reader",
    Reader,
    _sources,
    meaning={**if_any("beat_o"), **burst_meaning("ar")},
    constant=lambda _: ("bus__rready", "bus__arsize", "bus__arburst"),
)


@pytest.mark.parametrize(("shape", "where"), cases(replace(NARROW, outstanding=8)))
def test_reader(shape: Shape, where: Where) -> None:
    seen = hold(READER, shape, where)
    if where.backend == "shared":
        assert seen["error_o"] == {MachineError.NONE, MachineError.READ_FAILED}


def test_wants_a_machine() -> None:
    refuses(Reader)
