"""The tokens against their twin: counters that fill, overflow and run empty."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.machine.tokens import PAIRS, Tokens
from tests.hw.machine.lockstep_parts import Shape, cases
from tests.hw.stimulus import Draw, Source, Values, Wire, often
from tests.hw.twins import Pair, Where, hold


class Takes:
    """Drives `take_i`: only tokens that are there are taken, as engines do."""

    def __init__(self, draw: Draw) -> None:
        self._draw, self._counts = draw, [0] * PAIRS
        self._take = 0

    def drive(self) -> Values:
        self._take = sum(self._draw() << i for i, count in enumerate(self._counts) if count)
        return {"take_i": self._take}

    def after(self, inputs: Values, outputs: Values) -> None:
        for i in range(PAIRS):
            self._counts[i] = (self._counts[i] + (inputs["give_i"] >> i & 1) - (self._take >> i & 1)) % 64
            if inputs["rst"]:
                self._counts[i] = 0


def _sources(_shape: Shape, kind: str, rng: random.Random) -> Sequence[Source]:
    give = often(rng, 0.9 if kind == "filling" else 0.4)
    takes = Takes(often(rng, 0.1 if kind == "filling" else 0.5))
    return [Wire("give_i", lambda: sum(give() << i for i in range(PAIRS))), takes]


TOKENS = Pair(
    "tokens",
    Tokens,
    _sources,
    kinds=("even", "filling"),
    stopped=lambda values: values["error_o"] != 0,
    arguments=lambda _: {},
)


@pytest.mark.parametrize(("shape", "where"), cases(slow=()))
def test_tokens(shape: Shape, where: Where) -> None:
    seen = hold(TOKENS, shape, where, reset_share=0.003)
    if where.backend == "shared":
        assert seen["error_o"] == {MachineError.NONE, MachineError.TOKEN_OVERFLOW}
