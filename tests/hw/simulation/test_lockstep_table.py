"""What a lockstep run is given."""

from __future__ import annotations

from skipbeat_hw.simulation.lockstep import run_lockstep
from skipbeat_hw.simulation.lockstep_table import Held


def test_a_stream_is_always_willing_unless_told(fifo: str) -> None:
    ready = {"o__ready": [1] * 12}
    valid = [
        run_lockstep(fifo, "fifo", ready, ["i__valid"], streams={"i": held})["i__valid"]
        for held in (Held([5, 6, 7]), Held([5, 6, 7], (True,)), Held([5, 6, 7], (False, True, False)), Held([]))
    ]
    assert valid[0] == valid[1] == [1] * 3 + [0] * 9
    assert valid[2] == [0, 1, 0] * 3 + [0] * 3
    assert valid[3] == [0] * 12
