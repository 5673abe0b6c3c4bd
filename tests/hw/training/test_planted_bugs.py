"""Bugs planted in the RTL of training: each is found by the comparison with its twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType

import pytest

from skipbeat_hw.training import draws, pack, peak, rounding, select, select_lanes, turn, update
from tests.hw.planted import mutant
from tests.hw.training.test_draws import DRAWS, Count
from tests.hw.training.test_pack import PACK
from tests.hw.training.test_peak import PEAK
from tests.hw.training.test_rounding import ROUNDING
from tests.hw.training.test_select import SELECT
from tests.hw.training.test_select_lanes import LANES
from tests.hw.training.test_turn import THERE, TURN
from tests.hw.training.test_update import UPDATE
from tests.hw.training.vectors import Lanes, Width
from tests.hw.twins import P, Pair, Where, hold

#: Clocks of each kind of stimulus, in Amaranth's simulator.
WHERE = Where("amaranth", "cocotb", 150)
#: Share of clocks with a reset: many, as a job of a part stays until the next one; some, if it takes time to show; few,
#: if jobs are a stream.
RESETS, SOME, FEW = 0.07, 0.03, 0.01


@dataclass(frozen=True)
class Bug:
    """A piece of text, and what stands there instead."""

    right: str
    wrong: str


def _held(pair: Pair[P], params: P, resets: float = RESETS) -> Callable[[ModuleType], None]:
    """Holds the component of a changed module to the twin."""

    def run(changed: ModuleType) -> None:
        component = vars(changed)[pair.component.__name__]
        hold(replace(pair, component=component), params, WHERE, reset_share=resets)

    return run


#: How the component of each module is held to its twin.
HELD = {
    turn: _held(TURN, THERE),
    select_lanes: _held(LANES, Width(4, 4)),
    select: _held(SELECT, Width(4, 4), FEW),
    pack: _held(PACK, Width(16, 8), SOME),
    draws: _held(DRAWS, Count(1)),
    rounding: _held(ROUNDING, Lanes(1)),
    peak: _held(PEAK, Lanes(2)),
    update: _held(UPDATE, Lanes(1)),
}
QUICK: list[tuple[str, ModuleType, Bug]] = [
    ("a tie is broken the other way", select_lanes, Bug("sizes[begin + i] >= sizes", "sizes[begin + i] > sizes")),
    ("a bit of the draws is stuck", draws, Bug("state.eq(_advanced(state))", "state.eq(_advanced(state) | 1 << 9)")),
    (
        "the carry of the sum is lost",
        rounding,
        Bug("(Cat(fraction, whole).as_signed() + draw)", "Cat((fraction + draw)[:DRAW_BITS], whole)"),
    ),
    (
        "the exponent of what is kept is wrong",
        select_lanes,
        Bug(">> (q.bit_length() - 1))[:MAGNITUDE_BITS]", ">> q.bit_length())[:MAGNITUDE_BITS]"),
    ),
    (
        "the exponent of a coefficient is another's",
        update,
        Bug("Mux(kept[1], job.decay_shift, job.dropped_decay_shift)", "job.decay_shift"),
    ),
    (
        "a slot's first element is not its own",
        pack,
        Bug("range(begin + slot, begin + self.group)", "range(begin + slot + 1, begin + self.group)"),
    ),
]
SLOW: list[tuple[str, ModuleType, Bug]] = [
    ("bundles of other lanes", turn, Bug("half[k][number * beside + bundle]", "half[k][bundle * self.group + number]")),
    ("a half is full too early", turn, Bug("taken & taking[:-1].all()", "taken & taking[1:-1].all()")),
    ("a half is never empty", turn, Bug("given & giving[:-1].all()", "given & giving.all()")),
    ("-128 is 0", select_lanes, Bug(" | positive[-1].replicate(MAGNITUDE_BITS)", "")),
    (
        "a running sum that is reached is not passed",
        select_lanes,
        Bug("ends[lane - 1] <= self", "ends[lane - 1] < self"),
    ),
    ("a sum is not rounded by chance", select_lanes, Bug("total + draw[: q.bit_length() - 1]", "total + 0")),
    ("a draw comes too early", select_lanes, Bug("advance & there[2]", "advance & there[1]")),
    ("N is one less", select_lanes, Bug("< self.job_i.n)", "+ 1 < self.job_i.n)")),
    ("a stall is forgotten", select_lanes, Bug("~there[-1] | self.o.ready", "Const(1)")),
    ("a job ends early", select, Bug("busy.eq(leaving != 1)", "busy.eq(leaving > 2)")),
    ("a job takes too many", select, Bug("more.eq(entering != 1)", "more.eq(entering != 0)")),
    ("a job keeps the draws", select, Bug("lanes.begin_i.eq(begin)", "lanes.begin_i.eq(0)")),
    ("an element is not counted", pack, Bug("kept[lane - lane % self.group : lane]", "kept[lane // 8 * 8 + 1 : lane]")),
    ("a block waits for one that has left", pack, Bug("room = ~full | ~leaving", "room = ~full")),
    ("a block is written over", pack, Bug("room = ~full | ~leaving", "room = Const(1)")),
    ("a block is whole too early", pack, Bug("enters & entered.all()", "enters & entered[1:].all()")),
    ("a slot too many", pack, Bug("self.n_i + (self.bitmaps - 1)", "self.n_i + self.bitmaps")),
    ("a vector is given twice", pack, Bug("m.If(moves | self.o.ready)", "m.If(moves)")),
    ("a bitmap tells what is not kept", pack, Bug("Cat(bitmap, (element.kept", "Cat(bitmap, (~element.kept")),
    ("a tap is missing", draws, Bug("for tap in TAPS:", "for tap in TAPS[1:]:")),
    ("all generators begin alike", draws, Bug("Const(spread(k), SEED_BITS)", "Const(1, SEED_BITS)")),
    ("a number beyond 9 bits is not clipped", rounding, Bug("large = large | (", "large = large & (")),
    ("a shift of 32 is 0", rounding, Bug("Mux(shift[most], total >> DRAW_BITS, total)", "total")),
    ("the sign of a clipped sum", rounding, Bug("Mux(negative, -LARGEST, LARGEST)", "LARGEST")),
    ("the largest magnitude of one lane only", peak, Bug("_union(sizes)", "_union(sizes[:1])")),
    ("clips are never forgotten", peak, Bug("Mux(begin[1], 0, self.clips_o)", "self.clips_o")),
    ("halves are rounded down", update, Bug("(halves >> 1) + halves[0]", "halves >> 1")),
    ("a sum does not saturate", update, Bug("_register(m, _saturated(total))", "_register(m, total[:32].as_signed())")),
    ("the mask comes a clock late", update, Bug("decay = Mux(kept[0]", "decay = Mux(kept[1]")),
    ("the carry of a sum of 32 bits", update, Bug("weights[6] - moved", "(weights[6] - moved)[:32].as_signed()")),
    ("a byte's shift comes early", update, Bug("given.shifts[lane], 9)", "given.shifts[lane], 8)")),
]


def _found(module: ModuleType, bug: Bug) -> None:
    changed = mutant(module, bug.right, bug.wrong)
    with pytest.raises(AssertionError, match="expected 0x"):
        HELD[module](changed)


@pytest.mark.parametrize(("module", "bug"), [pytest.param(*bug, id=name) for name, *bug in QUICK])
def test_a_planted_bug_is_found(module: ModuleType, bug: Bug) -> None:
    _found(module, bug)


@pytest.mark.slow
@pytest.mark.parametrize(("module", "bug"), [pytest.param(*bug, id=name) for name, *bug in SLOW])
def test_another_planted_bug_is_found(module: ModuleType, bug: Bug) -> None:
    _found(module, bug)
