"""The watchdog against its twin: stretches in which nothing moves, of every length."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch.depths import patience
from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.machine.watchdog import Watchdog
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import Shape, cases
from tests.hw.stimulus import Source, Wire
from tests.hw.twins import Pair, Where, hold


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    longest = patience(shape.machine.hw)
    left = 0

    def moves() -> int:
        nonlocal left
        if left:
            left -= 1
            return 0
        left = rng.choice([rng.randrange(4), longest + rng.randrange(-3, 4), longest + rng.randrange(20)])
        return 1

    return [Wire("moves_i", moves)]


WATCHDOG = Pair("watchdog", Watchdog, _sources)


@pytest.mark.parametrize(("shape", "where"), cases(clocks=8000))
def test_watchdog(shape: Shape, where: Where) -> None:
    seen = hold(WATCHDOG, shape, where, reset_share=0.0005)
    if where.backend == "shared":
        assert seen["error_o"] == {MachineError.NONE, MachineError.DEADLOCK}


def test_wants_a_machine() -> None:
    refuses(Watchdog)
