"""Sources of stimulus: streams that keep the rule of valid and ready, streams that keep none, and random values."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from skipbeat_arch import ports

Values = dict[str, int]
Draw = Callable[[], int]


class Source(Protocol):
    """Drives one or more input ports."""

    def drive(self) -> Values:
        """Values for this clock."""

    def after(self, inputs: Values, outputs: Values) -> None:
        """What all the ports showed in this clock."""


@dataclass
class Wire:
    """An input without a rule: a new value every clock."""

    port: str
    draw: Draw

    def drive(self) -> Values:
        return {self.port: self.draw()}

    def after(self, inputs: Values, outputs: Values) -> None:
        """Nothing depends on it."""


@dataclass
class Flicker:
    """A stream that keeps no rule: valid and payload change at will."""

    stream: str
    valid: Draw
    payload: Draw

    def drive(self) -> Values:
        return {f"{self.stream}__valid": self.valid(), f"{self.stream}__payload": self.payload()}

    def after(self, inputs: Values, outputs: Values) -> None:
        """Nothing depends on it."""


@dataclass
class Offer:
    """A stream that keeps the rule: valid and payload stay until ready. `items` may end."""

    stream: str
    willing: Draw
    items: Iterator[int]
    _item: int | None = None

    def drive(self) -> Values:
        if self._item is None and self.willing():
            self._item = next(self.items, None)
        return {f"{self.stream}__valid": int(self._item is not None), f"{self.stream}__payload": self._item or 0}

    def after(self, inputs: Values, outputs: Values) -> None:
        if outputs[f"{self.stream}__ready"]:
            self._item = None


@dataclass
class Fresh:
    """Sources that begin anew after a reset: the streams of a program must stay in step."""

    begin: Callable[[], Sequence[Source]]

    def __post_init__(self) -> None:
        self._sources = self.begin()

    def drive(self) -> Values:
        return {port: value for source in self._sources for port, value in source.drive().items()}

    def after(self, inputs: Values, outputs: Values) -> None:
        for source in self._sources:
            source.after(inputs, outputs)
        if inputs["rst"]:
            self._sources = self.begin()


def often(rng: random.Random, share: float) -> Draw:
    """1 with this probability."""
    return lambda: int(rng.random() < share)


def sometimes(rng: random.Random) -> Draw:
    """1 always, mostly or seldom, for the whole of a run or from one reset to the next."""
    return often(rng, rng.choice([1.0, 0.8, 0.3]))


def bits(rng: random.Random, width: int) -> Draw:
    """Any value of this width; now and then all zeros, all ones, or the sign bit alone."""
    edges = (0, (1 << width) - 1, 1 << width >> 1)
    return lambda: rng.choice(edges) if rng.random() < 0.1 else rng.getrandbits(width)


def elements(rng: random.Random, count: int, width: int) -> Draw:
    """`count` such values side by side."""
    draw = bits(rng, width)
    return lambda: ports.pack_array([draw() for _ in range(count)], width)
