# amaranth: UnusedElaboratable=no
"""The update against its twin: sound coefficients, and any."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from skipbeat_arch.ports import FieldValue, pack, pack_array
from skipbeat_arch.training.jobs import update_fields
from skipbeat_arch.training.update_rule import Coefficient
from skipbeat_hw.training.update import Update
from tests.hw.stimulus import Fresh, Offer, Source, Values, Wire, sometimes
from tests.hw.training.vectors import Lanes, cases, endless
from tests.hw.twins import Pair, Where, hold, while_set

SOUND = {"momentum": 0.9, "gradient": 2.0**-4, "decay": 5e-4, "dropped_decay": 7e-4, "rate": 0.05}


class Job:
    """Coefficients that stay until the next reset."""

    def __init__(self, kind: str, rng: random.Random) -> None:
        values: dict[str, FieldValue] = {}
        for name, value in SOUND.items():
            made = Coefficient.of(value)
            if kind == "any":
                made = Coefficient(rng.getrandbits(16), rng.randint(0, 63))
            values |= {f"{name}_mantissa": made.mantissa, f"{name}_shift": made.shift}
        self._word = pack(update_fields(), values)

    def drive(self) -> Values:
        return {"job_i": self._word}

    def after(self, inputs: Values, outputs: Values) -> None:
        """It stays."""


def _items(lanes: int, rng: random.Random) -> Callable[[], int]:
    """Weights, momenta and gradients of any size, and the ends of their range."""

    def number(bits: int) -> int:
        high = 1 << (bits - 1)
        return (
            rng.choice((0, -1, high - 1, -high))
            if rng.random() < 0.1
            else rng.randrange(-high, high) >> rng.randrange(bits)
        )

    def item() -> int:
        parts = [pack_array([number(bits) for _ in range(lanes)], bits) for bits in (32, 32, 40)]
        parts += [rng.getrandbits(lanes), rng.getrandbits(5 * lanes)]
        word, offset = 0, 0
        for part, bits in zip(parts, (32, 32, 40, 1, 5), strict=True):
            word, offset = word | part << offset, offset + bits * lanes
        return word

    return item


def _sources(lanes: Lanes, kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        items = endless(_items(lanes.lanes, rng))
        return [Job(kind, rng), Offer("i", sometimes(rng), items), Wire("o__ready", sometimes(rng))]

    return [Fresh(begin)]


UPDATE = Pair("update", Update, _sources, kinds=("sound", "any"), meaning={"o__payload": while_set("o__valid")})


@pytest.mark.parametrize(("lanes", "where"), cases(Lanes(1), Lanes(2), Lanes(4)))
def test_update(lanes: Lanes, where: Where) -> None:
    hold(UPDATE, lanes, where, reset_share=0.03)


def test_wants_a_lane() -> None:
    with pytest.raises(ValueError, match="at least one lane, not 0"):
        Update(0)
