"""What the machine is made of: every part elaborates by itself, and queues have the depths that all agree on."""

from __future__ import annotations

from dataclasses import replace

from amaranth.hdl import Fragment

from skipbeat_arch.depths import ENGINE_QUEUE, PART_QUEUE, READER_OWNERS
from skipbeat_hw.machine.parts import Parts
from skipbeat_hw.queue import Queue
from tests.hw.machine.lockstep_parts import SMALL


def test_queues_are_as_deep_as_the_models_take_them() -> None:
    parts = vars(Parts(replace(SMALL, turn=True).machine))
    for part in parts.values():
        Fragment.get(part, None)
    assert {name: part.depth for name, part in parts.items() if isinstance(part, Queue) or name == "owners"} == {
        "owners": READER_OWNERS,
        **dict.fromkeys(("load_queue", "execute_queue", "store_queue"), ENGINE_QUEUE),
        **dict.fromkeys(("tile_queue", "job_queue"), PART_QUEUE),
    }
