"""The execute engine against its twin: SETUPs and PASSes of any fields, behind queues that fill."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from skipbeat_arch import ports
from skipbeat_arch.command import COMMAND_BITS
from skipbeat_arch.engines import Opcode
from skipbeat_arch.machine_ports import JOB
from skipbeat_hw.machine.execute import ExecuteEngine
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import Shape, cases, payloads, word
from tests.hw.stimulus import Offer, Source, Values, Wire, often
from tests.hw.twins import Pair, Where, hold

#: Of a null walk, what the fetcher looks at.
NULL_JOB = ports.pack(JOB, {name: -1 if name in ("null", "signal") else 0 for name, _ in JOB})


def _program(rng: random.Random) -> Iterator[int]:
    while True:
        wait = rng.choice([0, 0, rng.getrandbits(2)])
        if rng.random() < 0.3:
            yield word(Opcode.SETUP, rng, wait=wait, signal=rng.choice([0, rng.getrandbits(2)]))
            continue
        command = ports.unpack(ports.COMMAND, rng.getrandbits(COMMAND_BITS))
        command["beat"] = rng.choice([0, 1, 2, command["beat"]])
        yield word(Opcode.PASS, rng, wait=wait, command=ports.pack(ports.COMMAND, command))


def _sources(_shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    return [
        Offer("instructions", often(rng, 0.8), _program(rng)),
        Wire("some_i", lambda: rng.choice([3, rng.getrandbits(2)])),
        Wire("halt_i", often(rng, 0.1)),
        *(Wire(f"{name}__ready", often(rng, 0.7)) for name in ("commands", "tiles", "jobs")),
    ]


def _job(values: Values) -> int:
    if not values["jobs__valid"]:
        return 0
    return NULL_JOB if ports.unpack(JOB, values["jobs__payload"])["null"] else -1


EXECUTE = Pair(
    "execute_engine", ExecuteEngine, _sources, meaning={**payloads("commands", "tiles"), "jobs__payload": _job}
)


@pytest.mark.parametrize(("shape", "where"), cases(slow=()))
def test_execute_engine(shape: Shape, where: Where) -> None:
    hold(EXECUTE, shape, where)


def test_wants_a_machine() -> None:
    refuses(ExecuteEngine)
