"""The result buffer against its twin: wavefronts of sums."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

import pytest
from amaranth.hdl import Fragment

from skipbeat_arch import ports
from skipbeat_hw.core.results import ResultBuffer
from tests.hw.in_process import refuses
from tests.hw.stimulus import Source, Values, Wire, elements, often
from tests.hw.twins import Pair, Size, Where, cases, hold, while_set


class Pushes:
    """Drives `push_i`, with no more items than the buffer holds: the sequencer's credits see to that."""

    def __init__(self, size: Size, rng: random.Random) -> None:
        self._cols, self._credits, self._rng = size.cols, size.hw.result_depth, rng
        self._share = 0.5
        self._reset()

    def _reset(self) -> None:
        self._free = self._credits
        self._columns = deque([0] * self._cols)

    def drive(self) -> Values:
        if self._rng.random() < 0.01:
            self._share = self._rng.choice([0.1, 0.5, 1.0])
        begins = int(self._free > 0 and self._rng.random() < self._share)
        self._free -= begins
        self._columns.appendleft(begins)
        self._columns.pop()
        return {"push_i": ports.pack_array(self._columns, 1)}

    def after(self, inputs: Values, outputs: Values) -> None:
        self._free += outputs["taken_o"]
        if inputs["rst"]:
            self._reset()


class Ready:
    """A port that is ready most of the time, or hardly ever, for a while each."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._draw: Callable[[], int] = often(rng, 0.5)

    def drive(self) -> Values:
        if self._rng.random() < 0.01:
            self._draw = often(self._rng, self._rng.choice([0.02, 0.5, 1.0]))
        return {"o__ready": self._draw()}

    def after(self, inputs: Values, outputs: Values) -> None:
        """Nothing depends on it."""


def _sources(size: Size, _kind: str, rng: random.Random) -> list[Source]:
    sums = elements(rng, size.cols, size.accumulator_bits)
    return [Pushes(size, rng), Ready(rng), Wire("sums_i", sums)]


RESULTS = Pair("results", ResultBuffer, _sources, meaning={"o__payload": while_set("o__valid")})


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(2, 3, 4), Size(1, 1, 4, accumulator_bits=17), Size(2, 8, 4)],
        [Size(8, 8, 4), Size(4, 2, 4, accumulator_bits=48), Size(1, 16, 4), Size(1, 20, 4)],
    ),
)
def test_results(size: Size, where: Where) -> None:
    hold(RESULTS, size, where)


@pytest.mark.parametrize(
    ("size", "halved"), [(Size(2, 3, 4), 0), (Size(7, 2, 4), 1), (Size(1, 16, 4), 15), (Size(1, 17, 4), 0)]
)
def test_which_columns_are_of_two_memories(size: Size, halved: int) -> None:
    parts = [name for _, name, _ in Fragment.get(ResultBuffer(size.hw), None).subfragments]
    assert sum(name.startswith("first_") for name in parts) == halved
    assert sum(name.startswith("column_") for name in parts) == size.cols


def test_wants_hardware() -> None:
    refuses(ResultBuffer)
