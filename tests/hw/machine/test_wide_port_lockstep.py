# amaranth: UnusedElaboratable=no
"""The wide port against its twin: bursts that begin at any place, and data that comes before its address is taken."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import pytest

from skipbeat_hw.machine.wide_port import WidePort
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import NARROW, SMALL, Shape, cases, short
from tests.hw.stimulus import Fresh, Source, Values, Wire, bits, sometimes
from tests.hw.twins import Pair, Where, hold, while_set


class Reads:
    """Addresses of bursts, as many at once as may be under way, and their beats in order from the next clock on."""

    def __init__(self, shape: Shape, rng: random.Random) -> None:
        self._machine, self._rng = shape.machine, rng
        self._asking, self._coming = sometimes(rng), sometimes(rng)
        self._due: deque[int] = deque()  # for each beat, whether it is its burst's last

    def drive(self) -> Values:
        rng, machine = self._rng, self._machine
        beat = bool(self._due) and self._coming()
        last = self._due.popleft() if beat else rng.getrandbits(1)
        asked = sum(self._due) + (beat and last) < machine.hw.memory.outstanding and self._asking()
        if asked:
            self._due += [*[0] * (short(rng) - 1), 1]
        place = rng.randrange(machine.port_places)
        return {"asked_i": int(asked), "read_at_i": place, "beat_i": int(beat), "last_i": last}

    def after(self, inputs: Values, outputs: Values) -> None:
        """Nothing is taken or refused."""


class Writes:
    """Requests one after the other: addresses at a stretch, and beats from the clock after the first one on."""

    def __init__(self, shape: Shape, rng: random.Random) -> None:
        self._machine, self._rng = shape.machine, rng
        self._moving = sometimes(rng)
        self._offers = self._beats = self._clocks = 0
        self._begun = False

    def drive(self) -> Values:
        rng = self._rng
        if not self._offers and not self._beats:
            self._clocks += 1
            if self._clocks > rng.randrange(1, 4):
                self._offers, self._beats, self._clocks = short(rng), short(rng), 0
        offered = self._offers > 0
        moved = self._beats > 0 and self._begun and self._moving()
        self._begun = offered or (self._begun and self._beats > 0)
        self._offers -= offered
        self._beats -= bool(moved)
        place = rng.randrange(self._machine.port_places)
        return {"offered_i": int(offered), "write_at_i": place, "moved_i": int(moved)}

    def after(self, inputs: Values, outputs: Values) -> None:
        """Nothing is taken or refused."""


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    machine = shape.machine

    def begin() -> Sequence[Source]:
        return [Reads(shape, rng), Writes(shape, rng)]

    data = {"wide_i": 8 * machine.port_bytes, "write_i": 8 * machine.beat_bytes}
    return [Fresh(begin), *(Wire(name, bits(rng, width)) for name, width in data.items())]


PORT = Pair("wide_port", WidePort, _sources, meaning={"read_o": while_set("beat_i")})
#: A beat in two places of a port, in eight, and in eight with one burst at a time.
QUICK = replace(SMALL, port=8)
SLOW = replace(NARROW, port=16), replace(SMALL, port=32, outstanding=1)


@pytest.mark.parametrize(("shape", "where"), cases(QUICK, slow=SLOW))
def test_wide_port(shape: Shape, where: Where) -> None:
    seen = hold(PORT, shape, where)
    if where.backend == "shared":
        assert len(seen["strobes_o"]) == shape.machine.port_places


def test_wants_a_machine_with_a_wider_port() -> None:
    refuses(WidePort)
    with pytest.raises(ValueError, match="wider than a beat of 4 bytes"):
        WidePort(SMALL.machine)
