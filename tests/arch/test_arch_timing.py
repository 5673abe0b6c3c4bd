"""What a run costs: sums of events and clocks."""

from __future__ import annotations

import json
from dataclasses import fields

from skipbeat_arch.timing import Clocks, Events


def test_events_add_up_field_by_field() -> None:
    names = [f.name for f in fields(Events)]
    one = Events(**{name: 10**i for i, name in enumerate(names)})
    two = Events(**{name: 2 * 10**i for i, name in enumerate(names)})
    assert (one + two).to_json() == {name: 3 * 10**i for i, name in enumerate(names)}
    assert one + Events() == one


def test_events_become_plain_json() -> None:
    assert json.loads(json.dumps(Events(macs=3).to_json()))["macs"] == 3


def test_the_sum_of_the_causes_is_the_cycles() -> None:
    clocks = Clocks(compute=1000, tile_wait=200, hazard=30, fill_drain=4)
    assert clocks.cycles == 1234
    assert clocks + clocks == Clocks(compute=2000, tile_wait=400, hazard=60, fill_drain=8)
