# amaranth: UnusedElaboratable=no
"""The FIFO whose items lie in registers, beside Amaranth's own: every signal of both, in every clock."""

from __future__ import annotations

import pytest

from skipbeat_hw.shift_fifo import ShiftFifo
from tests.hw.in_process import converted
from tests.hw.test_registered_fifo import Ported, shows_what_a_sync_fifo_shows


@pytest.mark.parametrize(("puts", "gets"), [(0.5, 0.5), (0.9, 0.3), (0.3, 0.9), (1.0, 1.0)])
@pytest.mark.parametrize("depth", [1, 2, 8])
def test_it_shows_what_a_sync_fifo_shows(depth: int, puts: float, gets: float) -> None:
    shows_what_a_sync_fifo_shows(ShiftFifo, depth, puts, gets)


def test_verilog() -> None:
    assert "module fifo(" in converted(Ported(ShiftFifo(width=8, depth=4)), "fifo")


@pytest.mark.parametrize("depth", [0, 6])
def test_depth_is_a_power_of_two(depth: int) -> None:
    with pytest.raises(ValueError, match=f"depth must be a power of two, not {depth}"):
        ShiftFifo(width=8, depth=depth)
