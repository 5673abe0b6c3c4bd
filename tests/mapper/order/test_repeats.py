"""An order goes on alike only from units from which it really does: what has not settled stands for nothing."""

from __future__ import annotations

from skipbeat_mapper.program.sequencing import sequence
from skipbeat_mapper.units.network_units import plan_short
from skipbeat_mapper.units.repetition import UnitCut
from skipbeat_sim.timing.columns import NotAlikeError
from tests.mapper.units.test_repetition import MACHINE, linear


def test_what_comes_before_it_has_settled_does_not_stand_for_anything() -> None:
    """The same units are left out behind each of the first column tiles: only from some on they are alike."""
    memory = linear(512, 1600, 24)
    units, ((starts, stops, times, ring),) = plan_short(memory)
    per_column = starts[1] - starts[0]
    refused = 0
    for column in range(starts[0] // per_column):
        back = starts[0] - column * per_column
        cut = UnitCut((starts[0] - back,), (stops[0] - back,), times, ring)
        try:
            sequence(units, MACHINE, memory.vectors, [cut])
        except NotAlikeError:
            refused += 1
    assert refused >= 2
