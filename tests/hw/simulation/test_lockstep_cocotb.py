"""A table travels to the simulator in files and comes back as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skipbeat_hw.simulation.lockstep_cocotb import load_table, save_table
from skipbeat_hw.simulation.lockstep_table import HeldTable, Table
from skipbeat_hw.simulation.ports import Port, to_words


@pytest.mark.parametrize("with_clock", [True, False])
def test_a_table_survives_its_files(tmp_path: Path, with_clock: bool) -> None:
    wide, narrow = Port("i__payload", 70, True), Port("i__valid", 1, True)
    streams = (
        HeldTable(
            items=to_words([1 << 69, -1, 5], wide),
            willing=np.array([0, 1], np.uint8),
            payload="i__payload",
            valid="i__valid",
            ready="i__ready",
        ),
        HeldTable(
            items=to_words([0, 0], Port("j__payload", 1, True)),
            willing=np.array([1], np.uint8),
            payload=None,
            valid="j__valid",
            ready="j__ready",
        ),
    )
    values = np.random.default_rng(1).integers(0, 1 << 32, (9, 4), np.uint32)
    outputs = (Port("y", 65, False),)
    clock, reset = ("clk", "rst") if with_clock else (None, None)
    table = Table(inputs=(wide, narrow), outputs=outputs, values=values, streams=streams, clock=clock, reset=reset)
    save_table(tmp_path, table)
    back = load_table(tmp_path)
    assert (back.inputs, back.outputs, back.clock, back.reset) == ((wide, narrow), outputs, clock, reset)
    np.testing.assert_array_equal(back.values, values)
    for old, new in zip(streams, back.streams, strict=True):
        assert (new.payload, new.valid, new.ready) == (old.payload, old.valid, old.ready)
        np.testing.assert_array_equal(new.items, old.items)
        np.testing.assert_array_equal(new.willing, old.willing)
        assert new.items.dtype == np.uint32
        assert new.willing.dtype == np.uint8
