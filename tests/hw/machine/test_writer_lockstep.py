"""The write master against its twin: bursts of any alignment, and a memory that takes and answers when it likes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch import ports
from skipbeat_arch.machine_ports import WRITE_REQUEST, MachineError
from skipbeat_hw.machine.writer import Writer
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import ReadPort, Shape, burst_meaning, cases, short, vector_address
from tests.hw.stimulus import Fresh, Offer, Source, Values, bits, often, sometimes
from tests.hw.twins import Pair, Where, hold, while_set


class Memory:
    """The write channels, in any order that AXI4 allows; a burst is answered after its address and its last beat.

    From one reset to the next, an address is taken at any time, only while data waits, or after all of its data; and
    data at any time, or after its address. The response means nothing while it is not valid.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._addresses, self._beats = sometimes(rng), sometimes(rng)
        self._answering = often(rng, rng.choice([1.0, 0.3, 0.03]))
        self._failing = rng.choice([0.1, 0.4])
        self._address_waits, self._data_waits = rng.choice([("", ""), ("", "a"), ("d", "a"), ("all", ""), ("", "")])
        # Data is on offer; bursts by what was taken of them; beats of the addresses that were taken, less beats taken.
        self._offered = False
        self._announced = self._complete = self._answered = self._owed = 0

    def _takes_address(self) -> bool:
        return {"": True, "d": self._offered, "all": self._complete > self._announced}[self._address_waits]

    def drive(self) -> Values:
        valid = min(self._announced, self._complete) > self._answered and self._answering()
        response = self._rng.getrandbits(2) if not valid or self._rng.random() < self._failing else 0
        return {
            "bus__awready": self._addresses() if self._takes_address() else 0,
            "bus__wready": self._beats() if not self._data_waits or self._owed > 0 else 0,
            "bus__bvalid": int(valid),
            "bus__bresp": response,
        }

    def after(self, inputs: Values, outputs: Values) -> None:
        taken = outputs["bus__wvalid"] and inputs["bus__wready"]
        announced = outputs["bus__awvalid"] and inputs["bus__awready"]
        self._offered = bool(outputs["bus__wvalid"] and not taken)
        self._announced += int(bool(announced))
        self._complete += int(bool(taken and outputs["bus__wlast"]))
        self._answered += inputs["bus__bvalid"]
        self._owed += (outputs["bus__awlen"] + 1 if announced else 0) - int(bool(taken))


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    data, start = bits(rng, 8 * shape.cols), bits(rng, 16)

    def request() -> int:
        return ports.pack(WRITE_REQUEST, {"address": vector_address(shape, rng), "count": short(rng), "start": start()})

    def begin() -> Sequence[Source]:
        return [
            Offer("requests", sometimes(rng), iter(request, -1)),
            ReadPort("read_data_i", "read_address_o", lambda _: data()),
            Memory(rng),
        ]

    return [Fresh(begin)]


WRITER = Pair(
    "writer",
    Writer,
    _sources,
    meaning={**burst_meaning("aw"), "bus__wdata": while_set("bus__wvalid"), "bus__wlast": while_set("bus__wvalid")},
    constant=lambda _: ("bus__bready", "bus__wstrb", "bus__awsize", "bus__awburst"),
)


@pytest.mark.parametrize(("shape", "where"), cases())
def test_writer(shape: Shape, where: Where) -> None:
    seen = hold(WRITER, shape, where)
    if where.backend == "shared":
        assert seen["error_o"] == {MachineError.NONE, MachineError.WRITE_FAILED}


def test_wants_a_machine() -> None:
    refuses(Writer)
