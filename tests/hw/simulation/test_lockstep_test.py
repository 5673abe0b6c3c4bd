"""The rule of a stream that the test inside the simulator keeps: what is offered stays until it is taken."""

from __future__ import annotations

import random

import numpy as np
import pytest

from skipbeat_hw.simulation.lockstep_table import HeldTable
from skipbeat_hw.simulation.lockstep_test import _Offer
from skipbeat_hw.simulation.ports import Port, to_words


def offer(items: list[int], willing: list[int], payload: str | None = "s__payload") -> _Offer:
    words = to_words(items, Port("s__payload", 40, True))
    pattern = np.array(willing, np.uint8)
    return _Offer(HeldTable(items=words, willing=pattern, payload=payload, valid="s__valid", ready="s__ready"))


@pytest.mark.parametrize("seed", range(5))
def test_every_item_comes_once_and_in_order(seed: int) -> None:
    rng = random.Random(seed)
    items = [rng.getrandbits(40) for _ in range(12)]
    willing = [rng.getrandbits(1) for _ in range(7)] + [1]
    stream = offer(items, willing)
    taken: list[int] = []
    held: int | None = None
    for clock in range(300):
        values: dict[str, int] = {}
        stream.apply(clock, values)
        valid, payload = values["s__valid"], values["s__payload"]
        if held is not None:
            assert (valid, payload) == (1, held)
        elif valid:
            assert willing[clock % 8]
        else:
            assert payload == 0
            assert len(taken) == len(items) or not willing[clock % 8]
        ready = rng.choice([0, 1, None])  # undefined is not ready
        stream.after({"s__ready": ready})
        held = payload if valid and ready != 1 else None
        if valid and ready == 1:
            taken.append(payload)
    assert taken == items


def test_a_stream_without_a_payload_drives_valid_alone() -> None:
    values: dict[str, int] = {}
    offer([0], [1], payload=None).apply(0, values)
    assert values == {"s__valid": 1}
