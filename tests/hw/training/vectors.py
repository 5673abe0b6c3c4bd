"""What the lockstep tests of training share: sizes of vectors, and streams of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from skipbeat_arch.hardware import Hardware
from skipbeat_verify.core_passes import small_hardware
from tests.hw.stimulus import Values
from tests.hw.twins import ICARUS, NO_ICARUS, SHARED, VERILATOR, P, Where

_IN_PROCESS = Where("amaranth", "cocotb", 100)
_COMPILED = Where("verilator", "shared", 500)


@dataclass(frozen=True)
class Width:
    """V lanes in groups of M."""

    lanes: int
    group: int

    def __str__(self) -> str:
        return f"v{self.lanes}-m{self.group}"

    @property
    def hw(self) -> Hardware:
        """The hardware description."""
        return small_hardware(self.lanes // self.group, self.lanes, self.group)

    def arguments(self) -> Mapping[str, object]:
        """Of the components."""
        return {"hw": self.hw}


@dataclass(frozen=True)
class Lanes:
    """Lanes side by side."""

    lanes: int

    def __str__(self) -> str:
        return f"l{self.lanes}"

    def arguments(self) -> Mapping[str, object]:
        """Of the components."""
        return {"lanes": self.lanes}


class Begun:
    """A job that stays until the next reset, and begins in the first clock after it."""

    def __init__(self, word: int) -> None:
        self._word, self._begin = word, 1

    def drive(self) -> Values:
        return {"job_i": self._word, "begin_i": self._begin}

    def after(self, inputs: Values, outputs: Values) -> None:
        self._begin = 0


def cases(quick: P, *slow: P, compiled: bool = False) -> list[object]:
    """(parameters, where) of a component's regression: `quick` in Amaranth's simulator, and compiled if asked for.

    Marked slow: longer runs of all of them, and the quick one under cocotb on Verilator and Icarus.
    """

    def case(params: P, where: Where, *marks: pytest.MarkDecorator) -> object:
        return pytest.param(params, where, marks=marks, id=f"{params}-{where}-{where.clocks}")

    made = [case(quick, _IN_PROCESS), case(quick, _COMPILED, *[pytest.mark.slow] * (not compiled))]
    made += [case(params, SHARED, pytest.mark.slow) for params in (quick, *slow)]
    return [*made, case(quick, VERILATOR, pytest.mark.slow), case(quick, ICARUS, pytest.mark.slow, NO_ICARUS)]


def endless(draw: Callable[[], int]) -> Iterator[int]:
    """Items for ever."""
    while True:
        yield draw()


def alike(rng: random.Random, lanes: int) -> Callable[[], int]:
    """Vectors of bytes: any, small ones with many ties, zeros, or the ends of the range."""
    kinds: list[Callable[[], int]] = [
        lambda: rng.randrange(256),
        lambda: rng.randrange(-3, 4) & 255,
        lambda: 0,
        lambda: rng.choice((127, 129, 128, 0, 1)),
    ]

    def draw() -> int:
        kind = rng.choice(kinds)
        return int.from_bytes(bytes(kind() for _ in range(lanes)), "little")

    return draw
