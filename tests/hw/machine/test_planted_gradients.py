"""Bugs planted where gradients are rounded in the machine: each is found by the comparison with the twin."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from skipbeat_hw.machine import gradient_lanes, output, window
from skipbeat_hw.machine.window import take_items
from tests.hw.machine.test_gradient_lanes_lockstep import GRADIENTS, LANES
from tests.hw.machine.test_output_lockstep import OUTPUT
from tests.hw.planted import mutant
from tests.hw.twins import Pair, Where, hold

#: How the component of each module is held to its twin, in Amaranth's simulator.
HELD: dict[ModuleType, tuple[Pair[Any], Where]] = {
    gradient_lanes: (LANES, Where("amaranth", "cocotb", 150)),
    output: (OUTPUT, Where("amaranth", "cocotb", 6000)),
    window: (OUTPUT, Where("amaranth", "cocotb", 6000)),
}
BUGS = [
    ("draws go on from STORE to STORE", gradient_lanes, "begin_i.eq(self.begin_i)", "begin_i.eq(0)"),
    ("raw sums are noted", output, "walk.sending & job.stochastic & ~job.raw", "walk.sending & job.stochastic"),
    ("the seed is its lower bits", gradient_lanes, "self.seed_i << (SEED_BITS - STORE_SEED_BITS)", "self.seed_i"),
    ("bytes come late", gradient_lanes, "LATENCY - ROUNDING_LATENCY)", "LATENCY - ROUNDING_LATENCY + 1)"),
    ("what is no sum is noted", gradient_lanes, "total, _if(scaled, other)", "total, Mux(scaled, other, total)"),
    ("clips are lost", gradient_lanes, "byte.clipped for", "byte.clipped & 0 for"),
    ("the shift is another column's", output, "block.shift[0]", "block.shift[1]"),
    ("draws begin with each vector", output, "lanes.begin_i.eq(opening)", "lanes.begin_i.eq(walk.closed)"),
    ("a clamp's derivative is lost", output, "job.stochastic & ~job.raw & job.residual & ~choice.any()", "0"),
    ("sums without residuals are 0 too", output, "~job.raw & job.residual &", "~job.raw &"),
    ("sums of other jobs are 0 too", output, "job.stochastic & ~job.raw & job.residual", "~job.raw & job.residual"),
    ("raw sums are 0 too", output, "job.stochastic & ~job.raw & job.residual", "job.stochastic & job.residual"),
    ("what is negative counts as 0", output, "~choice.any()", "(~choice.any() | choice[7])"),
    ("noted sums are told late", gradient_lanes, "BETWEEN = 3", "BETWEEN = 2"),
    ("noted clips are lost", gradient_lanes, "_if(clipped, self.clipped_i)", "0"),
    ("what no noted job shifts is noted", gradient_lanes, "_if(scaled, other)", "other"),
    ("raw sums of noted jobs are noted", output, "~job.stochastic & ~job.raw", "~job.stochastic"),
    ("stochastic jobs are noted twice", output, "job.noted & ~job.stochastic", "job.noted"),
    ("other jobs are noted too", output, "walk.sending & job.noted &", "walk.sending &"),
    ("sums just above 0 become 0", output, "part.noted_i.eq(job.noted)", "part.noted_i.eq(0)"),
    ("sums just above 0 become 1 in other jobs", output, "part.noted_i.eq(job.noted)", "part.noted_i.eq(1)"),
    ("another lane's sums are noted", output, "lanes.scaled_i[lane]", "lanes.scaled_i[lane - 1]"),
    ("of equal sums the last one counts", window, "(largest[c] - sums[c])[-1] if places else ", ""),
    ("items are counted from 1", window, "Mux(start | closes, 0, number + 1)", "Mux(start | closes, 1, number + 1)"),
    ("items are counted on over windows", window, "Mux(start | closes, 0,", "Mux(start, 0,"),
    ("items are counted on over jobs", window, "Mux(start | closes, 0,", "Mux(closes, 0,"),
    ("a place is the last item's", window, "m.d.sync += numbers[c].eq(number)", "m.d.sync += numbers[0].eq(number)"),
    ("places are those of the next window", output, "[*columns[:-1], held]", "columns"),
    ("places are multiplied", output, '"multiplier", 2)', '"multiplier", 3)'),
    ("places are noted", output, "& ~placed)", ")"),
    ("all jobs have places", output, "Mux(job.places, longer - 1, last)", "longer - 1"),
    ("a window begins before places are sent", output, "following >= longer - 2", "following >= longer - 3"),
    ("the vector of places is missing", output, "(part == self.steps - 1)", "(places[-1] == self.steps - 1)"),
    ("other bytes are rounded too", output, "Mux(job.stochastic, *both)", "Mux(1, *both)"),
]


def _found(module: ModuleType, right: str, wrong: str) -> None:
    pair, where = HELD[module]
    changed = vars(mutant(module, right, wrong))
    component, taken = changed.get(pair.component.__name__, pair.component), changed.get("take_items", take_items)
    with patch.object(output, "take_items", taken), pytest.raises(AssertionError, match="expected 0x"):
        hold(replace(pair, component=component), GRADIENTS, where)


@pytest.mark.slow
@pytest.mark.parametrize(("module", "right", "wrong"), [pytest.param(*bug, id=name) for name, *bug in BUGS])
def test_a_planted_bug_is_found(module: ModuleType, right: str, wrong: str) -> None:
    _found(module, right, wrong)
